-- atomic.lua -- the 131 columns of a Snowplow enriched event and the type of each, in their order.
-- SPDX-License-Identifier: Apache-2.0
local M = {}

local columns = [[
string: app_id platform
timestamp: etl_tstamp collector_tstamp dvce_created_tstamp
string: event event_id
int: txn_id
string: name_tracker v_tracker v_collector v_etl user_id user_ipaddress user_fingerprint
string: domain_userid
int: domain_sessionidx
string: network_userid geo_country geo_region geo_city geo_zipcode
double: geo_latitude geo_longitude
string: geo_region_name ip_isp ip_organization ip_domain ip_netspeed page_url page_title
string: page_referrer page_urlscheme page_urlhost
int: page_urlport
string: page_urlpath page_urlquery page_urlfragment refr_urlscheme refr_urlhost
int: refr_urlport
string: refr_urlpath refr_urlquery refr_urlfragment refr_medium refr_source refr_term mkt_medium
string: mkt_source mkt_term mkt_content mkt_campaign
json: contexts
string: se_category se_action se_label se_property
double: se_value
json: unstruct_event
string: tr_orderid tr_affiliation
double: tr_total tr_tax tr_shipping
string: tr_city tr_state tr_country ti_orderid ti_sku ti_name ti_category
double: ti_price
int: ti_quantity pp_xoffset_min pp_xoffset_max pp_yoffset_min pp_yoffset_max
string: useragent br_name br_family br_version br_type br_renderengine br_lang
bool: br_features_pdf br_features_flash br_features_java br_features_director br_features_quicktime
bool: br_features_realplayer br_features_windowsmedia br_features_gears br_features_silverlight
bool: br_cookies
string: br_colordepth
int: br_viewwidth br_viewheight
string: os_name os_family os_manufacturer os_timezone dvce_type
bool: dvce_ismobile
int: dvce_screenwidth dvce_screenheight
string: doc_charset
int: doc_width doc_height
string: tr_currency
double: tr_total_base tr_tax_base tr_shipping_base
string: ti_currency
double: ti_price_base
string: base_currency geo_timezone mkt_clickid mkt_network etl_tags
timestamp: dvce_sent_tstamp
string: refr_domain_userid
timestamp: refr_dvce_tstamp
json: derived_contexts
string: domain_sessionid
timestamp: derived_tstamp
string: event_vendor event_name event_format event_version event_fingerprint
timestamp: true_tstamp
]]

M.types = {} -- name -> "string" "int" "double" "bool" "timestamp" "json"
M.n = 0
for kind, names in string.gmatch(columns, "(%a+):([^\n]*)") do
  for name in string.gmatch(names, "[%w_]+") do
    M.types[name] = kind
    M.n = M.n + 1
  end
end

-- What an attribute that answers a column's value is, in Signals' names. A timestamp's form is its sender's: no type.
M.attribute_type = { string = "string", int = "int32", double = "double", bool = "bool" }

-- Columns that name a visitor: what a test's visitor sends once stays with it.
M.identity = { user_id = true, domain_userid = true, network_userid = true, domain_sessionid = true }

-- Events without data of their own; what the column `event` calls them.
M.dataless = {
  ["com.snowplowanalytics.snowplow/page_view"] = "page_view",
  ["com.snowplowanalytics.snowplow/page_ping"] = "page_ping",
  ["com.snowplowanalytics.snowplow/transaction"] = "transaction",
  ["com.snowplowanalytics.snowplow/transaction_item"] = "transaction_item",
  ["com.google.analytics/event"] = "struct",
}

return M
