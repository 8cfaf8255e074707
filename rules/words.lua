-- rules/words.lua
-- Names for every rule file. This file runs before each of them and only gives names; changing it reloads them all.

-- Snowplow's standard events. A page view and a page ping have no data of their own: what they say stands in atomic columns.
page_view   = event "com.snowplowanalytics.snowplow/page_view"
page_ping   = event "com.snowplowanalytics.snowplow/page_ping"
link_click  = event "com.snowplowanalytics.snowplow/link_click"
submit_form = event "com.snowplowanalytics.snowplow/submit_form"
focus_form  = event "com.snowplowanalytics.snowplow/focus_form"
change_form = event "com.snowplowanalytics.snowplow/change_form"
site_search = event "com.snowplowanalytics.snowplow/site_search"
structured  = event "com.google.analytics/event" -- atomic.se_category, atomic.se_action …

-- Windows
l1d  = days(1)
l7d  = days(7)
l30d = days(30)
