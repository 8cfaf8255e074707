/* payload.js -- what an event says, read from the payload that the tracker sends.
 * SPDX-License-Identifier: Apache-2.0 */
const NAMES = {pv: "page_view", pp: "page_ping", se: "struct"};

function json(payload, plain, encoded) {
  if (payload[plain]) return JSON.parse(payload[plain]);
  return payload[encoded] ? JSON.parse(atob(payload[encoded].replace(/-/g, "+").replace(/_/g, "/"))) : null;
}

const nameOf = (schema) => schema.split("/")[1];

/* {id, name, detail, data}: its name, a word on what it is about, and all of it as one would read it. */
export function describe(payload) {
  const event = json(payload, "ue_pr", "ue_px")?.data;
  const entities = Object.fromEntries((json(payload, "co", "cx")?.data ?? []).map(({schema, data}) => [nameOf(schema), data]));
  const place = `#/${payload.url?.split("#/")[1] ?? ""}`;
  const about = {
    snowplow_ecommerce_action: () => entities.product?.name ?? entities.transaction?.transaction_id ?? "",
    intervention_receive: () => entities.intervention_instance?.name,
    intervention_handle: () => entities.intervention_instance?.name,
    focus_form: () => event.data.elementId,
    change_form: () => event.data.elementId,
    submit_form: () => event.data.formId,
  };
  const schema = event && nameOf(event.schema);
  const name = schema === "snowplow_ecommerce_action" ? event.data.type : schema ?? NAMES[payload.e] ?? payload.e;
  const {ue_pr, ue_px, co, cx, ...columns} = payload;
  return {id: payload.eid, name, detail: (about[schema] ?? (() => place))() ?? "", data: {...(event && {event}), entities, columns}};
}
