---@meta
-- _meta.lua -- the rule language for editors (LuaLS): what each word takes and gives. Never run.
-- SPDX-License-Identifier: Apache-2.0

---@class signalbox.Duration
---@class signalbox.Share
---@class signalbox.Criterion
---@class signalbox.Sample an event that a test sends
local Sample = {}
---With entities and columns attached.
---@param ... signalbox.Part | signalbox.Entity
---@return signalbox.Sample
function Sample:with(...) end

---@class signalbox.Part an entity or columns that a test attaches

---A property of an event, an entity, or a column. Behind its dot stand its own parts.
---@class signalbox.Property
---@field [string] signalbox.Property
---@field [integer] signalbox.Property
local Property = {}
---Equal.
---@param value string | number | boolean
---@return signalbox.Criterion
function Property:eq(value) end
---Greater than.
---@param value number
---@return signalbox.Criterion
function Property:gt(value) end
---Greater than or equal.
---@param value number
---@return signalbox.Criterion
function Property:gte(value) end
---One of a list.
---@param value (string | number | boolean)[]
---@return signalbox.Criterion
function Property:in_list(value) end
---Something there.
---@return signalbox.Criterion
function Property:is_not_null() end
---Nothing there.
---@return signalbox.Criterion
function Property:is_null() end
---% stands for any run of characters, _ for one.
---@param value string
---@return signalbox.Criterion
function Property:like(value) end
---Less than.
---@param value number
---@return signalbox.Criterion
function Property:lt(value) end
---Less than or equal.
---@param value number
---@return signalbox.Criterion
function Property:lte(value) end
---There and not equal.
---@param value string | number | boolean
---@return signalbox.Criterion
function Property:neq(value) end

---The value of an attribute, in an intervention.
---@class signalbox.AttributeRef
local AttributeRef = {}
---This event changed it.
---@return signalbox.Criterion
function AttributeRef:changed() end
---Equal.
---@param value string | number | boolean
---@return signalbox.Criterion
function AttributeRef:eq(value) end
---Greater than.
---@param value number
---@return signalbox.Criterion
function AttributeRef:gt(value) end
---Greater than or equal.
---@param value number
---@return signalbox.Criterion
function AttributeRef:gte(value) end
---One of a list.
---@param value (string | number | boolean)[]
---@return signalbox.Criterion
function AttributeRef:in_list(value) end
---Something there.
---@return signalbox.Criterion
function AttributeRef:is_not_null() end
---Nothing there.
---@return signalbox.Criterion
function AttributeRef:is_null() end
---% stands for any run of characters, _ for one.
---@param value string
---@return signalbox.Criterion
function AttributeRef:like(value) end
---Less than.
---@param value number
---@return signalbox.Criterion
function AttributeRef:lt(value) end
---Less than or equal.
---@param value number
---@return signalbox.Criterion
function AttributeRef:lte(value) end
---There and not equal.
---@param value string | number | boolean
---@return signalbox.Criterion
function AttributeRef:neq(value) end
---There and none of a list.
---@param value (string | number | boolean)[]
---@return signalbox.Criterion
function AttributeRef:not_in_list(value) end
---There and not like.
---@param value string
---@return signalbox.Criterion
function AttributeRef:not_like(value) end
---There and no regular expression matches.
---@param value string
---@return signalbox.Criterion
function AttributeRef:not_rlike(value) end
---A regular expression matches.
---@param value string
---@return signalbox.Criterion
function AttributeRef:rlike(value) end

---Events of a kind. Behind the dot stand properties of their data; called with a table it is an event of a test.
---@class signalbox.Event
---@field [string] signalbox.Property
---@overload fun(data: table): signalbox.Sample
local Event = {}
---Only those that satisfy a criterion.
---@param criterion signalbox.Criterion
---@return signalbox.Event
function Event:where(criterion) end
---In a test: with entities and columns attached.
---@param ... signalbox.Part | signalbox.Entity
---@return signalbox.Sample
function Event:with(...) end

---An entity attached to events; entity[1] is the second one attached.
---@class signalbox.Entity
---@field [string] signalbox.Property
---@field [integer] signalbox.Entity
---@overload fun(data: table): signalbox.Part

---An attribute being built. Each step returns a new one.
---@class signalbox.Attribute
local Attribute = {}
---The type of the answer.
---@param type signalbox.Type
---@return signalbox.Attribute
function Attribute:as(type) end
---The answer when there is nothing to show.
---@param value string | number | boolean | table
---@return signalbox.Attribute
function Attribute:default(value) end
---A sentence for the people who read it.
---@param text string
---@return signalbox.Attribute
function Attribute:describe(text) end
---The events it looks at.
---@param ... signalbox.Event
---@return signalbox.Attribute
function Attribute:on(...) end
---Forgotten when nothing came for so long.
---@param duration signalbox.Duration
---@return signalbox.Attribute
function Attribute:ttl(duration) end
---Only those that satisfy a criterion.
---@param criterion signalbox.Criterion
---@return signalbox.Attribute
function Attribute:where(criterion) end
---A rolling window that ends now.
---@param period signalbox.Duration
---@return signalbox.Attribute
function Attribute:within(period) end

---@alias signalbox.Type
---| '"bool"'
---| '"bool_list"'
---| '"bytes"'
---| '"bytes_list"'
---| '"dict"'
---| '"double"'
---| '"double_list"'
---| '"float"'
---| '"float_list"'
---| '"int32"'
---| '"int32_list"'
---| '"int64"'
---| '"int64_list"'
---| '"string"'
---| '"string_list"'
---| '"unix_timestamp"'
---| '"unix_timestamp_list"'

---A visitor of a test.
---@class signalbox.Visitor
local Visitor = {}
---Sends events, in order; a number first says how often.
---@param ... number | signalbox.Event | signalbox.Sample
function Visitor:sends(...) end
---An intervention came: takes the oldest one not yet taken.
---@param intervention string
---@return table payload
function Visitor:gets(intervention) end
---No such intervention came.
---@param intervention string
function Visitor:gets_no(intervention) end
---The value of an attribute now; nil is null.
---@param attribute string "group:name"
---@param value any
function Visitor:has(attribute, value) end

---@class signalbox.Test
local Test = {}
---A new visitor, with identifiers of its own.
---@return signalbox.Visitor
function Test:visitor() end
---Time passes.
---@param duration signalbox.Duration
function Test:wait(duration) end

---@class signalbox.GroupFields
---@field attribute_key string "domain_userid", "user_id", "network_userid", "domain_sessionid", or one of your own
---@field attributes table<string, signalbox.Attribute>
---@field version? integer 1 unless given
---@field owner? string
---@field description? string
---@field ttl? signalbox.Duration

---@class signalbox.KeyFields
---@field property signalbox.Property
---@field ttl? signalbox.Duration
---@field description? string

---@class signalbox.ServiceFields
---@field attribute_groups string[] "group" is the newest version, "group_v2" that one
---@field owner? string
---@field description? string

---@class signalbox.InterventionFields
---@field when signalbox.Criterion | signalbox.Event
---@field target_attribute_keys? string[]
---@field payload? table<string, string | number | boolean | signalbox.AttributeRef | signalbox.Property>
---@field version? integer 1 unless given
---@field owner? string
---@field description? string

---@class signalbox.ScoreFields
---@field service string
---@field formula fun(a: table<string, any>): number
---@field owner? string
---@field description? string

---Events of a kind; a part left out, or *, matches all: `event "vendor/name/1-0-0"`
---@param name string
---@return signalbox.Event
function event(name) end

---An entity attached to events; [1] is the second one attached: `entity "vendor/name/1"`
---@param name string
---@return signalbox.Entity
function entity(name) end

---@class signalbox.Atomic
---@field app_id signalbox.Property
---@field base_currency signalbox.Property
---@field br_colordepth signalbox.Property
---@field br_cookies signalbox.Property
---@field br_family signalbox.Property
---@field br_features_director signalbox.Property
---@field br_features_flash signalbox.Property
---@field br_features_gears signalbox.Property
---@field br_features_java signalbox.Property
---@field br_features_pdf signalbox.Property
---@field br_features_quicktime signalbox.Property
---@field br_features_realplayer signalbox.Property
---@field br_features_silverlight signalbox.Property
---@field br_features_windowsmedia signalbox.Property
---@field br_lang signalbox.Property
---@field br_name signalbox.Property
---@field br_renderengine signalbox.Property
---@field br_type signalbox.Property
---@field br_version signalbox.Property
---@field br_viewheight signalbox.Property
---@field br_viewwidth signalbox.Property
---@field collector_tstamp signalbox.Property
---@field derived_tstamp signalbox.Property
---@field doc_charset signalbox.Property
---@field doc_height signalbox.Property
---@field doc_width signalbox.Property
---@field domain_sessionid signalbox.Property
---@field domain_sessionidx signalbox.Property
---@field domain_userid signalbox.Property
---@field dvce_created_tstamp signalbox.Property
---@field dvce_ismobile signalbox.Property
---@field dvce_screenheight signalbox.Property
---@field dvce_screenwidth signalbox.Property
---@field dvce_sent_tstamp signalbox.Property
---@field dvce_type signalbox.Property
---@field etl_tags signalbox.Property
---@field etl_tstamp signalbox.Property
---@field event signalbox.Property
---@field event_fingerprint signalbox.Property
---@field event_format signalbox.Property
---@field event_id signalbox.Property
---@field event_name signalbox.Property
---@field event_vendor signalbox.Property
---@field event_version signalbox.Property
---@field geo_city signalbox.Property
---@field geo_country signalbox.Property
---@field geo_latitude signalbox.Property
---@field geo_longitude signalbox.Property
---@field geo_region signalbox.Property
---@field geo_region_name signalbox.Property
---@field geo_timezone signalbox.Property
---@field geo_zipcode signalbox.Property
---@field ip_domain signalbox.Property
---@field ip_isp signalbox.Property
---@field ip_netspeed signalbox.Property
---@field ip_organization signalbox.Property
---@field mkt_campaign signalbox.Property
---@field mkt_clickid signalbox.Property
---@field mkt_content signalbox.Property
---@field mkt_medium signalbox.Property
---@field mkt_network signalbox.Property
---@field mkt_source signalbox.Property
---@field mkt_term signalbox.Property
---@field name_tracker signalbox.Property
---@field network_userid signalbox.Property
---@field os_family signalbox.Property
---@field os_manufacturer signalbox.Property
---@field os_name signalbox.Property
---@field os_timezone signalbox.Property
---@field page_referrer signalbox.Property
---@field page_title signalbox.Property
---@field page_url signalbox.Property
---@field page_urlfragment signalbox.Property
---@field page_urlhost signalbox.Property
---@field page_urlpath signalbox.Property
---@field page_urlport signalbox.Property
---@field page_urlquery signalbox.Property
---@field page_urlscheme signalbox.Property
---@field platform signalbox.Property
---@field pp_xoffset_max signalbox.Property
---@field pp_xoffset_min signalbox.Property
---@field pp_yoffset_max signalbox.Property
---@field pp_yoffset_min signalbox.Property
---@field refr_domain_userid signalbox.Property
---@field refr_dvce_tstamp signalbox.Property
---@field refr_medium signalbox.Property
---@field refr_source signalbox.Property
---@field refr_term signalbox.Property
---@field refr_urlfragment signalbox.Property
---@field refr_urlhost signalbox.Property
---@field refr_urlpath signalbox.Property
---@field refr_urlport signalbox.Property
---@field refr_urlquery signalbox.Property
---@field refr_urlscheme signalbox.Property
---@field se_action signalbox.Property
---@field se_category signalbox.Property
---@field se_label signalbox.Property
---@field se_property signalbox.Property
---@field se_value signalbox.Property
---@field ti_category signalbox.Property
---@field ti_currency signalbox.Property
---@field ti_name signalbox.Property
---@field ti_orderid signalbox.Property
---@field ti_price signalbox.Property
---@field ti_price_base signalbox.Property
---@field ti_quantity signalbox.Property
---@field ti_sku signalbox.Property
---@field tr_affiliation signalbox.Property
---@field tr_city signalbox.Property
---@field tr_country signalbox.Property
---@field tr_currency signalbox.Property
---@field tr_orderid signalbox.Property
---@field tr_shipping signalbox.Property
---@field tr_shipping_base signalbox.Property
---@field tr_state signalbox.Property
---@field tr_tax signalbox.Property
---@field tr_tax_base signalbox.Property
---@field tr_total signalbox.Property
---@field tr_total_base signalbox.Property
---@field true_tstamp signalbox.Property
---@field txn_id signalbox.Property
---@field user_fingerprint signalbox.Property
---@field user_id signalbox.Property
---@field user_ipaddress signalbox.Property
---@field useragent signalbox.Property
---@field v_collector signalbox.Property
---@field v_etl signalbox.Property
---@field v_tracker signalbox.Property
---@overload fun(columns: table): signalbox.Part

---A column that every event has.
---@type signalbox.Atomic
atomic = {}

---The value of an attribute, in an intervention: `attribute "group:name"`
---@param name string
---@return signalbox.AttributeRef
function attribute(name) end

---What a profile is about: `attribute_key "cart_id" { property = … }`
---@param name string
---@return fun(fields: signalbox.KeyFields)
function attribute_key(name) end

---Attributes of one attribute key: `attribute_group "name" { … }`
---@param name string
---@return fun(fields: signalbox.GroupFields)
function attribute_group(name) end

---The attribute groups that an application reads: `service "name" { … }`
---@param name string
---@return fun(fields: signalbox.ServiceFields)
function service(name) end

---What is sent when a criterion turns true: `intervention "name" { … }`
---@param name string
---@return fun(fields: signalbox.InterventionFields)
function intervention(name) end

---A number calculated from a service's attributes: `score "name" { … }`
---@param name string
---@return fun(fields: signalbox.ScoreFields)
function score(name) end

---A conversation that must come out as written: `test("name", function(t) … end)`
---@param name string
---@param body fun(t: signalbox.Test)
function test(name, body) end

---How many events: `counter()`
---@return signalbox.Attribute
function counter() end

---The values added up: `sum(property)`
---@param property signalbox.Property
---@return signalbox.Attribute
function sum(property) end

---The smallest value: `min(property)`
---@param property signalbox.Property
---@return signalbox.Attribute
function min(property) end

---The largest value: `max(property)`
---@param property signalbox.Property
---@return signalbox.Attribute
function max(property) end

---The average value: `mean(property)`
---@param property signalbox.Property
---@return signalbox.Attribute
function mean(property) end

---The oldest value, by the time of its event: `first(property)`
---@param property signalbox.Property
---@return signalbox.Attribute
function first(property) end

---The newest value, by the time of its event: `last(property)`
---@param property signalbox.Property
---@return signalbox.Attribute
function last(property) end

---The value seen most: `most_frequent(property)`
---@param property signalbox.Property
---@return signalbox.Attribute
function most_frequent(property) end

---The value seen least: `least_frequent(property)`
---@param property signalbox.Property
---@return signalbox.Attribute
function least_frequent(property) end

---How many different values, within about 1 %: `approx_count_distinct(property)`
---@param property signalbox.Property
---@return signalbox.Attribute
function approx_count_distinct(property) end

---Each value and how often it was seen: `category_count(property)`
---@param property signalbox.Property
---@return signalbox.Attribute
function category_count(property) end

---The different values, the newest last: `unique_list(property)`
---@param property signalbox.Property
---@return signalbox.Attribute
function unique_list(property) end

---Every one of these criteria: `all { a, b }`
---@param criteria signalbox.Criterion[]
---@return signalbox.Criterion
function all(criteria) end

---At least one of these criteria: `any { a, b }`
---@param criteria signalbox.Criterion[]
---@return signalbox.Criterion
function any(criteria) end

---Not one of these criteria: `none { a, b }`
---@param criteria signalbox.Criterion[]
---@return signalbox.Criterion
function none(criteria) end

---A criterion that only a function can decide: `criterion(property, function(value) … end)`
---@param ... signalbox.Property | signalbox.AttributeRef | function
---@return signalbox.Criterion
function criterion(...) end

---So many seconds: `seconds(30)`
---@param n number
---@return signalbox.Duration
function seconds(n) end

---So many minutes: `minutes(30)`
---@param n number
---@return signalbox.Duration
function minutes(n) end

---So many hours: `hours(12)`
---@param n number
---@return signalbox.Duration
function hours(n) end

---So many days of 24 hours: `days(7)`
---@param n number
---@return signalbox.Duration
function days(n) end

---So many weeks: `weeks(2)`
---@param n number
---@return signalbox.Duration
function weeks(n) end

---A share: `percent(10)`
---@param n number
---@return signalbox.Share
function percent(n) end

---How many entries a list has; 0 when it is null: `count(list)`
---@param list table?
---@return integer
function count(list) end

---1 / (1 + e^-x): any number to one between 0 and 1: `logistic(x)`
---@param x number
---@return number
function logistic(x) end

---Notes something for `signalbox test` to show.
---@param ... any
function log(...) end
