"""hits.py -- what a tracker may say, from a seed, and the columns of the enriched event that follow from it.

The tables and conversions are written from Snowplow's pages on the tracker protocol and the enriched event, and share nothing
with the engine's: a slip in either shows as a difference between wires. Values are such that every wire can say them, or are
junk, which a tracker sends and an enriched event leaves out: a visit's number that is no number counts as missing on all.
SPDX-License-Identifier: Apache-2.0
"""
import re

import generate as g
import model

# The 131 columns of the enriched event, in order. S: a time, I: a whole number, D: a number, B: true or false, J: JSON
COLUMNS = """
app_id platform etl_tstamp:S collector_tstamp:S dvce_created_tstamp:S event event_id txn_id:I name_tracker v_tracker v_collector
v_etl user_id user_ipaddress user_fingerprint domain_userid domain_sessionidx:I network_userid geo_country geo_region geo_city
geo_zipcode geo_latitude:D geo_longitude:D geo_region_name ip_isp ip_organization ip_domain ip_netspeed page_url page_title
page_referrer page_urlscheme page_urlhost page_urlport:I page_urlpath page_urlquery page_urlfragment refr_urlscheme refr_urlhost
refr_urlport:I refr_urlpath refr_urlquery refr_urlfragment refr_medium refr_source refr_term mkt_medium mkt_source mkt_term
mkt_content mkt_campaign contexts:J se_category se_action se_label se_property se_value:D unstruct_event:J tr_orderid
tr_affiliation tr_total:D tr_tax:D tr_shipping:D tr_city tr_state tr_country ti_orderid ti_sku ti_name ti_category ti_price:D
ti_quantity:I pp_xoffset_min:I pp_xoffset_max:I pp_yoffset_min:I pp_yoffset_max:I useragent br_name br_family br_version br_type
br_renderengine br_lang br_features_pdf:B br_features_flash:B br_features_java:B br_features_director:B
br_features_quicktime:B br_features_realplayer:B br_features_windowsmedia:B br_features_gears:B br_features_silverlight:B
br_cookies:B br_colordepth br_viewwidth:I br_viewheight:I os_name os_family os_manufacturer os_timezone dvce_type
dvce_ismobile:B dvce_screenwidth:I dvce_screenheight:I doc_charset doc_width:I doc_height:I tr_currency tr_total_base:D
tr_tax_base:D tr_shipping_base:D ti_currency ti_price_base:D base_currency geo_timezone mkt_clickid mkt_network etl_tags
dvce_sent_tstamp:S refr_domain_userid refr_dvce_tstamp:S derived_contexts:J domain_sessionid derived_tstamp:S event_vendor
event_name event_format event_version event_fingerprint true_tstamp:S
""".split()
TYPES = {name.split(":")[0]: (name.split(":") + [""])[1] for name in COLUMNS}

PARAMS = {
    "p": "platform", "aid": "app_id", "eid": "event_id", "tna": "name_tracker", "tv": "v_tracker", "cv": "v_collector", "tid": "txn_id",
    "uid": "user_id", "duid": "domain_userid", "nuid": "network_userid", "tnuid": "network_userid", "sid": "domain_sessionid",
    "vid": "domain_sessionidx", "fp": "user_fingerprint", "ip": "user_ipaddress", "ua": "useragent",
    "dtm": "dvce_created_tstamp", "stm": "dvce_sent_tstamp", "ttm": "true_tstamp",
    "url": "page_url", "page": "page_title", "refr": "page_referrer",
    "lang": "br_lang", "cookie": "br_cookies", "cd": "br_colordepth", "tz": "os_timezone", "cs": "doc_charset",
    "f_pdf": "br_features_pdf", "f_fla": "br_features_flash", "f_java": "br_features_java", "f_dir": "br_features_director",
    "f_qt": "br_features_quicktime", "f_realp": "br_features_realplayer", "f_wma": "br_features_windowsmedia",
    "f_gears": "br_features_gears", "f_ag": "br_features_silverlight",
    "se_ca": "se_category", "se_ac": "se_action", "se_la": "se_label", "se_pr": "se_property", "se_va": "se_value",
    "tr_id": "tr_orderid", "tr_af": "tr_affiliation", "tr_tt": "tr_total", "tr_tx": "tr_tax", "tr_sh": "tr_shipping",
    "tr_ci": "tr_city", "tr_st": "tr_state", "tr_co": "tr_country", "tr_cu": "tr_currency",
    "ti_id": "ti_orderid", "ti_sk": "ti_sku", "ti_nm": "ti_name", "ti_na": "ti_name", "ti_ca": "ti_category", "ti_pr": "ti_price",
    "ti_qu": "ti_quantity", "ti_cu": "ti_currency",
    "pp_mix": "pp_xoffset_min", "pp_max": "pp_xoffset_max", "pp_miy": "pp_yoffset_min", "pp_may": "pp_yoffset_max",
}
SIZES = {"res": ("dvce_screenwidth", "dvce_screenheight"), "vp": ("br_viewwidth", "br_viewheight"), "ds": ("doc_width", "doc_height")}
SNOWPLOW = "com.snowplowanalytics.snowplow"
EVENTS = {      # a tracker's e: the columns event, event_vendor, event_name
    "pv": ("page_view", SNOWPLOW, "page_view"), "pp": ("page_ping", SNOWPLOW, "page_ping"), "se": ("struct", "com.google.analytics", "event"),
    "tr": ("transaction", SNOWPLOW, "transaction"), "ti": ("transaction_item", SNOWPLOW, "transaction_item"),
    "ad": ("ad_impression", SNOWPLOW, "ad_impression"), "ue": ("unstruct", None, None),
}
# What the server works out where nobody says it, from columns above.
WORKED_OUT = [name for name in TYPES if re.match("(page|refr)_(url|medium|source|term|domain|dvce).|mkt_", name)]
# Those that a tracker can fill.
SAYABLE = sorted({*PARAMS.values(), *(name for both in SIZES.values() for name in both), *WORKED_OUT, "event", "event_vendor",
                  "event_name", "event_version", "event_format", "collector_tstamp", "derived_tstamp"})

# -- values
ODD_TEXTS = ["a\tb", "x\u0001y\u007f", "two\nlines\r\n", "ünï ☃ 🦄", 'q"uo\\te\'s', "100%", "%41+%20", "a+b c&d=e", "  blanks  ", "null", "{}",
             "\u2028", "1.0", "0", "-", "x" * 300, "日本語", "\t", "a,b|c"]
URLS = ["https://shop.example/", "https://shop.example/pricing?utm_source=news&utm_medium=email&utm_campaign=a%20b&utm_term=x+y&utm_content=%C3%BC",
        "http://shop.example:8080/a/b?gclid=abc#frag", "https://shop.example/cart?_sp=6de9024e-17b9-4026-bd4d-efec50ae84cb.1700000000123",
        "https://shop.example/a b/c d?q=e f", "http://user:pw@shop.example/?msclkid=1&dclid=2", "https://[2001:db8::1]:443/x", "/relative?utm_source=rel",
        "https://ünï.example/p?utm_source=%FF&utm_medium=ok", "not a url", "https://shop.example:99999/", "HTTPS://SHOP.example?utm_source=&utm_medium=x",
        "https://shop.example/%zz?utm_source=a&utm_source=b", "android-app://com.example/path", "https://shop.example/tab\there?utm_term=c%09d"]
REFERRERS = ["https://www.google.com/search?q=red+shoes", "https://www.google.com/search?q=%C3%BC%20a", "https://www.facebook.com/l.php", "https://shop.example/other",
             "https://chatgpt.com/", "https://mail.google.com/mail/u/0/", "https://unknown.example/x?y=z#w", "http://duckduckgo.com/?q=a%09b", "ftp://x.y/", "",
             "android-app://com.google.android.googlequicksearchbox", "https://t.co/abc", "nonsense"]
AGENTS = ["Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36",
          "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Mobile/15E148 Safari/604.1",
          "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "curl/8.0", "☃"]
TEXT_VALUES = {"p": ["web", "mob", "srv", "app", "tv"], "url": URLS, "refr": REFERRERS, "aid": ["shop", "blog", "app"],
               "ip": ["1.2.3.4", "1.2.3.4, 5.6.7.8", "2001:db8::1", " 9.9.9.9|8.8.8.8", "10.0.0.1 10.0.0.2"]}
JUNK = {"I": ["three", "1.5", "99999999999999999999", "0x10", "1 2"], "D": ["cheap", "1,5", "0x10", "NaN", "1e999"], "B": ["yes", "2", "TRUE"],
        "S": ["yesterday", "-", "99999999999999999", "2023-13-01 00:00:00.000"]}
SHOP = "com.snowplowanalytics.snowplow.ecommerce"


def clean(text):
    """As it may stand in a column: the enriched event is a line with tabs."""
    return re.sub("[\x00-\x1f\x7f]", "", text.replace("\t", "    "))


def whole(text):
    if re.fullmatch(r"-?\d+", text):
        return int(text) if -2**63 <= int(text) < 2**63 else None
    number = model.number_of(text)
    return int(number) if number is not None and abs(number) < 2**53 and number == int(number) else None


def fraction(text):
    number = model.number_of(text)
    return None if number is None or abs(number) == float("inf") else number


def moment(text):
    """Milliseconds; a tracker sends nothing else."""
    ms = int(text) if re.fullmatch(r"-?\d{1,15}", text) else None
    return ms if ms is not None and ms < 253402300800000 else None


CONVERT = {"": lambda text: clean(text) or None, "I": whole, "D": fraction, "B": {"1": True, "0": False}.get, "S": moment}


# -- hits
class Hit:
    """params: as a tracker sends them, all but those below. own: (schema, data) of a self-describing event, or None.
    entities: [(schema, data)], of which the first `cut` may travel apart from the others."""

    def __init__(self, params, own, entities, cut):
        self.params, self.own, self.entities, self.cut = params, own, entities, cut

    def columns(self, arrival):
        """The enriched event's columns that follow, with their types; what is missing is not there."""
        values = []
        for param, text in self.params.items():
            if param in SIZES:
                values += zip(SIZES[param], map(whole, text.split("x", 1) if "x" in text else []))
            elif param == "ip":
                values.append(("user_ipaddress", clean(re.split("[,| ]", text.strip(" \t\r\n"))[0]) or None))
            elif param in PARAMS and not (param == "nuid" and clean(self.params.get("tnuid", ""))):
                values.append((PARAMS[param], CONVERT[TYPES[PARAMS[param]]](text)))
        found = {column: value for column, value in values if value is not None}
        event, vendor, name = EVENTS[self.params["e"]]
        version, style = "1-0-0", "jsonschema"
        if self.params["e"] == "ue":
            vendor, name, style, version = re.match("iglu:(.*?)/(.*?)/(.*?)/(.*)", self.own[0]).groups()
        found.update(event=event, event_vendor=vendor, event_name=name, event_version=version, event_format=style,
                     collector_tstamp=arrival, derived_tstamp=self.derived(found, arrival))
        return found

    def is_refused(self):
        return not all(re.fullmatch(r"iglu:[^/]+/[^/]+/[^/]+/\d+-\d+-\d+", schema) for schema, _ in self.entities)

    @staticmethod
    def derived(found, arrival):
        """When it happened."""
        created, sent = found.get("dvce_created_tstamp"), found.get("dvce_sent_tstamp")
        if found.get("true_tstamp") is not None:
            return min(found["true_tstamp"], arrival)
        if created is not None and sent is not None and created < sent:
            return arrival - (sent - created)
        return arrival


def some_text(draw, param, column):
    kind = TYPES[column]
    if kind and draw.random() < 0.1:
        return draw.choice(JUNK[kind])
    if kind == "I":
        return draw.choice(["0", "1", "2", "3", "25.0", "-4", "1280", "007", "9007199254740993"])
    if kind == "D":
        return draw.choice(["0", "1.5", "2.25", "40.50", "-3", "1e2", "100"])
    if kind == "B":
        return draw.choice("01")
    if param in TEXT_VALUES and (param == "p" or draw.random() < 0.9):
        return draw.choice(TEXT_VALUES[param])
    return draw.choice(ODD_TEXTS) if draw.random() < 0.5 else draw.choice(["a", "b", "c", "red", "blue", "12", ""])


def some_own(draw, who):
    """A self-describing event: of those that the shipped rules look at, or of the random rules'."""
    if draw.random() < 0.3:
        return draw.choice([
            (f"iglu:{SHOP}/snowplow_ecommerce_action/jsonschema/1-0-2", {"type": draw.choice(["product_view", "product_view", "add_to_cart"])}),
            (f"iglu:{SNOWPLOW}/link_click/jsonschema/1-0-1", {"targetUrl": draw.choice(URLS)}),
            (f"iglu:{SNOWPLOW}/focus_form/jsonschema/1-0-0", {"formId": "f"}),
            (f"iglu:{SNOWPLOW}/submit_form/jsonschema/1-0-0", {"formId": draw.choice(ODD_TEXTS)}),
            (f"iglu:{SNOWPLOW}.media/play_event/jsonschema/1-0-0", {})])
    schema = f"iglu:{draw.choice(g.VENDORS[:1] * 3 + g.VENDORS[1:])}/{draw.choice(g.NAMES)}/jsonschema/{draw.choice(g.VERSIONS)}"
    data = g.some_data(draw, who)
    if draw.random() < 0.3:
        data["s"] = draw.choice(ODD_TEXTS)
    if draw.random() < 0.1:
        data["n"] = draw.choice([2**63 - 1, -2**63, 2**63, 2**64 - 1, 1e300, 5e-324, 0.1, 1.0, -0.0, 2**53 + 1])
    return schema, data


def some_hit(draw, number, who, ts, arrival):
    """who: {param: identifier}, and a basket. Happened at ts, arrives at arrival >= ts. It has an event id, a collector's
    version and a user agent: where a tracker says none the server does, for it knows whom the request came from."""
    e = draw.choice(["pv"] * 4 + ["ue"] * 5 + ["pp", "se", "tr", "ti", "ad"])
    params = {"e": e, "eid": g.event_id(number), "p": "web", "cv": "signalbox", "ua": draw.choice(AGENTS)}
    about = {"se": "se_", "tr": "tr_", "ti": "ti_", "pp": "pp_"}.get(e)
    for param, column in PARAMS.items():
        if param in params or column.endswith("_tstamp") or param in ("uid", "duid"):
            continue
        if about and param.startswith(about) or draw.random() < (0.7 if param in ("url", "refr", "aid", "vid") else 0.12):
            params[param] = some_text(draw, param, column)
    for param in SIZES:
        if draw.random() < 0.2:
            params[param] = draw.choice(["1280x720", "0x0", "25.0x10", "x5", "5x", "wide", "1x2x3", "axb"])
    if "ti_na" in params:                       # both name one column: the one that comes last would count
        params.pop("ti_nm", None)
    params.update((param, id) for param, id in who.items() if param != "basket")
    set_times(draw, params, ts, arrival)
    entities = g.some_entities(draw) if draw.random() < 0.6 else []
    if draw.random() < 0.2:
        entities.append((f"iglu:{SHOP}/product/jsonschema/1-0-0", {"price": g.some_value(draw, True), "name": draw.choice(ODD_TEXTS)}))
    if draw.random() < 0.05:
        entities.append(("iglu:nl.basjes/yauaa_context/jsonschema/1-0-5", {"deviceClass": draw.choice(["Phone", "Desktop"])}))
    if draw.random() < 0.02:
        entities.append((draw.choice(["nonsense", "iglu:a/b/c", ""]), {}))      # which every wire refuses
    draw.shuffle(entities)
    own = some_own(draw, who) if e == "ue" else None
    return Hit(params, own, entities, draw.randrange(len(entities) + 1))


def set_times(draw, params, ts, arrival):
    """One of the ways in which a tracker says when it happened."""
    late, way = arrival - ts, draw.random()
    wrong = arrival + draw.randrange(-10 * g.DAY, 10 * g.DAY)
    if way < 0.5:
        params["dtm"], params["stm"] = str(wrong - late), str(wrong)
    elif way < 0.8:
        params["ttm"] = str(ts if way < 0.75 else arrival + draw.randrange(g.DAY))
    if way > 0.4 and draw.random() < 0.3:
        params[draw.choice(["dtm", "stm", "ttm"])] = draw.choice(JUNK["S"] + [str(wrong), ""])
