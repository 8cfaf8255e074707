-- rules/prospect_scoring.lua
-- Who is about to fill in a form? What a device did in the last 7 and 30 days, and a score made of it.

media = event  "com.snowplowanalytics.snowplow.media" -- any event of this vendor
yauaa = entity "nl.basjes/yauaa_context/1"

pricing_view = page_view:where(atomic.page_url:like "%pricing%")

attribute_group "prospect_scoring_tutorial" {
  attribute_key = "domain_userid",
  owner         = "growth@example.com",
  description   = "What a device did in the last 7 and 30 days.",
  attributes = {
    -- the latest page view
    latest_app_id              = last(atomic.app_id):on(page_view),
    latest_device_class        = last(yauaa.deviceClass):on(page_view):as "string",

    -- the last 7 days
    num_sessions_l7d           = unique_list(atomic.domain_sessionid):on(page_view):within(l7d),
    num_apps_l7d               = unique_list(atomic.app_id):on(page_view):within(l7d),
    num_page_views_l7d         = counter():on(page_view):within(l7d),
    num_page_pings_l7d         = counter():on(page_ping):within(l7d),
    num_pricing_views_l7d      = counter():on(pricing_view):within(l7d),
    num_conversions_l7d        = counter():on(submit_form):within(l7d),
    num_form_engagements_l7d   = counter():on(focus_form, change_form):within(l7d),

    -- the last 30 days
    num_sessions_l30d          = unique_list(atomic.domain_sessionid):on(page_view):within(l30d),
    num_apps_l30d              = unique_list(atomic.app_id):on(page_view):within(l30d),
    num_page_views_l30d        = counter():on(page_view):within(l30d),
    num_page_pings_l30d        = counter():on(page_ping):within(l30d),
    num_pricing_views_l30d     = counter():on(pricing_view):within(l30d),
    num_conversions_l30d       = counter():on(submit_form):within(l30d),
    num_media_events_l30d      = counter():on(media):within(l30d),
    first_refr_medium_l30d     = first(atomic.refr_medium):on(page_view):within(l30d),
    first_mkt_medium_l30d      = first(atomic.mkt_medium):on(page_view):within(l30d),
    num_engaged_campaigns_l30d = unique_list(atomic.mkt_campaign):on(page_view):within(l30d),
  },
}

service "prospect_scoring_tutorial_service" {
  owner            = "growth@example.com",
  description      = "All the prospect score reads.",
  attribute_groups = { "prospect_scoring_tutorial" },
}

score "prospect" {
  owner       = "growth@example.com",
  description = "How likely a device's next step is a form, from 0 to 1.",
  service     = "prospect_scoring_tutorial_service",
  formula = function(a)
    local x = -4
    x = x + 0.6 * count(a.num_sessions_l7d) + 0.2 * count(a.num_sessions_l30d)
    x = x + 1.5 * math.min(a.num_pricing_views_l7d or 0, 3) + 0.3 * math.min(a.num_pricing_views_l30d or 0, 5)
    x = x + 0.8 * (a.num_form_engagements_l7d or 0)
    x = x + 0.02 * math.min(a.num_page_pings_l7d or 0, 60)
    x = x + 0.1 * (a.num_media_events_l30d or 0) + 0.3 * count(a.num_engaged_campaigns_l30d)
    if a.latest_device_class == "Desktop" then
      x = x + 0.4
    end
    if (a.num_conversions_l7d or 0) > 0 then
      x = x - 2 -- has just filled one in
    end
    return logistic(x)
  end,
}

test("page views, of which pricing pages, for 7 and for 30 days", function(t)
  ann = t:visitor()
  ann:has("prospect_scoring_tutorial:num_page_views_l7d", nil)
  ann:sends(page_view { page_url = "https://example.com/" })
  ann:sends(page_view { page_url = "https://example.com/pricing?plan=pro" })
  ann:has("prospect_scoring_tutorial:num_page_views_l7d", 2)
  ann:has("prospect_scoring_tutorial:num_page_views_l30d", 2)
  ann:has("prospect_scoring_tutorial:num_pricing_views_l7d", 1)
  ann:has("prospect_scoring_tutorial:num_pricing_views_l30d", 1)
  t:wait(days(8))
  ann:has("prospect_scoring_tutorial:num_page_views_l7d", nil)
  ann:has("prospect_scoring_tutorial:num_page_views_l30d", 2)
  ann:has("prospect_scoring_tutorial:num_pricing_views_l7d", nil)
  ann:has("prospect_scoring_tutorial:num_pricing_views_l30d", 1)
  t:wait(days(23))
  ann:has("prospect_scoring_tutorial:num_page_views_l30d", nil)
end)

test("the latest app and device", function(t)
  ann = t:visitor()
  ann:sends(page_view { app_id = "website" }:with(yauaa { deviceClass = "Phone" }))
  ann:sends(page_view { app_id = "shop" }:with(yauaa { deviceClass = "Desktop" }))
  ann:has("prospect_scoring_tutorial:latest_app_id", "shop")
  ann:has("prospect_scoring_tutorial:latest_device_class", "Desktop")
  ann:has("prospect_scoring_tutorial:num_apps_l7d", { "website", "shop" })
  ann:has("prospect_scoring_tutorial:num_apps_l30d", { "website", "shop" })
end)

test("sessions are counted once, the one seen last stands last", function(t)
  ann = t:visitor()
  ann:sends(page_view { domain_sessionid = "s1" })
  t:wait(days(5))
  ann:sends(page_view { domain_sessionid = "s2" })
  ann:sends(page_view { domain_sessionid = "s1" })
  ann:has("prospect_scoring_tutorial:num_sessions_l7d", { "s2", "s1" })
  ann:sends(page_view { domain_sessionid = "s3" })
  t:wait(days(8))
  ann:has("prospect_scoring_tutorial:num_sessions_l7d", nil)
  ann:has("prospect_scoring_tutorial:num_sessions_l30d", { "s2", "s1", "s3" })
end)

test("page pings, forms and media", function(t)
  ann, bob = t:visitor(), t:visitor()
  ann:sends(3, page_ping)
  ann:sends(focus_form, change_form, submit_form)
  ann:sends(2, media)
  ann:has("prospect_scoring_tutorial:num_page_pings_l7d", 3)
  ann:has("prospect_scoring_tutorial:num_page_pings_l30d", 3)
  ann:has("prospect_scoring_tutorial:num_form_engagements_l7d", 2)
  ann:has("prospect_scoring_tutorial:num_conversions_l7d", 1)
  ann:has("prospect_scoring_tutorial:num_conversions_l30d", 1)
  ann:has("prospect_scoring_tutorial:num_media_events_l30d", 2)
  bob:has("prospect_scoring_tutorial:num_page_pings_l7d", nil)
end)

test("where they came from, and how many campaigns reached them", function(t)
  ann = t:visitor()
  ann:sends(page_view { refr_medium = "search", mkt_medium = "cpc", mkt_campaign = "spring" })
  ann:sends(page_view { refr_medium = "internal", mkt_medium = "email", mkt_campaign = "summer" })
  ann:sends(page_view { mkt_campaign = "spring" })
  ann:has("prospect_scoring_tutorial:first_refr_medium_l30d", "search")
  ann:has("prospect_scoring_tutorial:first_mkt_medium_l30d", "cpc")
  ann:has("prospect_scoring_tutorial:num_engaged_campaigns_l30d", { "summer", "spring" })
end)
