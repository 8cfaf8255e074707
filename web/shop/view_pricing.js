/* view_pricing.js -- plans for offices, and a form to ask for one: what moves the prospect score most.
 * SPDX-License-Identifier: Apache-2.0 */
import {announce, el, money} from "./dom.js";
import {field, select, textarea} from "./fields.js";

const PLANS = [
  {name: "Desk", price: 29, people: "up to 5 people", gets: ["1 kg of coffee a month", "Filters and descaler", "Two mugs each"]},
  {name: "Floor", price: 79, people: "up to 20 people", best: true, gets: ["4 kg of coffee a month", "Two grinders, serviced", "A plant for each window"]},
  {name: "House", price: 190, people: "more than 20", gets: ["As much coffee as you drink", "Machines, serviced", "Somebody to call"]},
];

function plan({name, price, people, best, gets}) {
  return el(best ? "li.plan.best" : "li.plan", {},
    best ? el("span.tag", {}, "Most chosen") : null,
    el("h2", {}, name),
    el("p.plan-price", {}, el("strong", {}, money(price).replace(".00", "")), " a month"),
    el("p.soft", {}, people),
    el("ul.ticks", {role: "list"}, gets.map((text) => el("li", {}, text))));
}

function ask(submitted) {
  submitted.preventDefault();
  const done = el("p.done", {tabindex: -1}, "Thank you. In a real shop, somebody would write to you now.");
  submitted.target.replaceWith(done);
  done.focus();
  announce(done.textContent);
}

export function pricingView() {
  return {
    title: "Pricing", type: "pricing",
    body: el("div", {},
      el("div.hero", {},
        el("h1", {tabindex: -1}, "Coffee for the office"),
        el("p.lead", {}, "A monthly plan, cancelled whenever you like. Who reads this page and starts to write is a prospect, and the score says so.")),
      el("ul.plans", {role: "list"}, PLANS.map(plan)),
      el("section.ask", {"aria-labelledby": "ask-title"},
        el("h2", {id: "ask-title"}, "Ask for an offer"),
        el("form.form", {id: "offer", onsubmit: ask},
          el("div.row", {},
            field("company", "Company", {autocomplete: "organization"}), field("work-email", "Work email", {type: "email", autocomplete: "email"})),
          select("plan", "Plan", PLANS.map(({name}) => [name.toLowerCase(), name])),
          textarea("wishes", "Anything we should know?"),
          el("p.soft", {}, "That you write is tracked, what you write is not."),
          el("button.primary", {type: "submit"}, "Ask for an offer")))),
  };
}
