-- rules/ecommerce.lua
-- What a visitor does in the shop, and three offers that the shop's pages show.

shop         = event  "com.snowplowanalytics.snowplow.ecommerce/snowplow_ecommerce_action"
product      = entity "com.snowplowanalytics.snowplow.ecommerce/product/1"
product_view = shop:where(shop.type:eq "product_view")
add_to_cart  = shop:where(shop.type:eq "add_to_cart")

attribute_group "ecom_attributes" {
  attribute_key = "domain_userid",
  owner         = "user@company.com",
  description   = "What a visitor looked at and put into the cart.",
  ttl           = days(90), -- who stays away for so long begins anew
  attributes = {
    count_product_views = counter():on(product_view),
    count_add_to_cart   = counter():on(add_to_cart),
    total_cart_value    = sum(product.price):on(add_to_cart),
  },
}

service "ecommerce" {
  owner            = "user@company.com",
  description      = "What the shop's pages read.",
  attribute_groups = { "ecom_attributes" },
}

intervention "cart_abandonment" {
  owner                 = "user@company.com",
  description           = "Banner for who has put at least one thing into the cart.",
  when                  = attribute "ecom_attributes:count_add_to_cart":gt(0),
  target_attribute_keys = { "user_id", "domain_userid" },
}

intervention "discount" {
  owner                 = "user@company.com",
  description           = "Banner for who has viewed more than three products.",
  when                  = attribute "ecom_attributes:count_product_views":gt(3),
  target_attribute_keys = { "user_id", "domain_userid" },
}

intervention "free_shipping" {
  owner                 = "user@company.com",
  description           = "Banner for who has put more than $100 into the cart.",
  when                  = attribute "ecom_attributes:total_cart_value":gt(100),
  target_attribute_keys = { "user_id", "domain_userid" },
}

test("the fourth product view earns the discount, once", function(t)
  ann, bob = t:visitor(), t:visitor()
  ann:sends(3, product_view)
  ann:gets_no "discount"
  ann:has("ecom_attributes:count_product_views", 3)
  ann:sends(product_view)
  ann:gets "discount"
  ann:sends(product_view)
  ann:gets_no "discount"
  bob:gets_no "discount"
end)

test("the first thing in the cart brings the banner", function(t)
  ann = t:visitor()
  ann:sends(product_view)
  ann:gets_no "cart_abandonment"
  ann:sends(add_to_cart:with(product { price = 20 }))
  ann:gets "cart_abandonment"
  ann:has("ecom_attributes:count_add_to_cart", 1)
end)

test("more than $100 in the cart ships free, exactly $100 does not", function(t)
  ann = t:visitor()
  ann:sends(add_to_cart:with(product { price = 60, name = "coat" }))
  ann:sends(add_to_cart:with(product { price = 40 }))
  ann:has("ecom_attributes:total_cart_value", 100)
  ann:gets_no "free_shipping"
  ann:sends(add_to_cart:with(product { price = 0.5 }))
  ann:gets "free_shipping"
  ann:has("ecom_attributes:total_cart_value", 100.5)
end)

test("someone who is signed in is reached by user_id too", function(t)
  ann = t:visitor()
  ann:sends(add_to_cart:with(product { price = 120 }, atomic { user_id = "ann" }))
  ann:gets "cart_abandonment"
  ann:gets "free_shipping"
end)
