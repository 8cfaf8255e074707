/* panel.js -- the developer's side panel: beside the shop where there is room, else a drawer at its lower edge.
 *
 * Its parts, one file each: the score, the attributes, what happens, the rule files. This one opens and closes it, and says
 * whether the server is there.
 * SPDX-License-Identifier: Apache-2.0 */
import {byId, el} from "./dom.js";
import {on} from "./news.js";
import {startAttributes} from "./panel_attributes.js";
import {startFeed} from "./panel_feed.js";
import {startRules} from "./panel_rules.js";
import {startScore} from "./panel_score.js";
import {serverIsUp} from "./server.js";
import {visitor, waiting} from "./tracking.js";

const narrow = matchMedia("(max-width: 1079px)");

function showStatus() {
  const n = waiting(), up = serverIsUp();
  const kept = n === 1 ? "1 event waits in this browser" : `${n} events wait in this browser`;
  byId("status").className = up ? "status up" : "status down";
  const text = up ? "connected" : `server gone: ${kept}`;
  if (byId("status").textContent !== text) byId("status").textContent = text;
}

function setOpen(open) {
  const drawer = narrow.matches;
  document.body.classList.toggle("drawer-open", drawer && open);
  byId("panel-body").hidden = drawer && !open;
  byId("page").inert = drawer && open;
  byId("panel-toggle").setAttribute("aria-expanded", String(open));
  byId("panel-toggle").setAttribute("aria-label", open ? "Close the panel" : "Open the panel");
}

const isOpen = () => document.body.classList.contains("drawer-open");

function startDrawer() {
  byId("panel-toggle").addEventListener("click", () => setOpen(!isOpen()));
  byId("backdrop").addEventListener("click", () => setOpen(false));
  narrow.addEventListener("change", () => setOpen(false));
  addEventListener("keydown", ({key}) => {
    if (key !== "Escape" || !isOpen()) return;
    setOpen(false);
    byId("panel-toggle").focus();
  });
  setOpen(false);
}

function showVisitor() {
  const id = visitor();
  byId("visitor").replaceChildren(el("span", {title: id}, id.slice(0, 8)));
}

/* reset: makes a new visitor. */
export function startPanel(reset) {
  startDrawer();
  startScore();
  startAttributes();
  startFeed();
  startRules();
  byId("reset").addEventListener("click", reset);
  for (const what of ["server", "kept", "acknowledged", "event"]) on(what, showStatus);
  on("visitor", () => {
    showVisitor();
    setOpen(false); // the shop begins anew, and is to be seen
  });
  showStatus();
  showVisitor();
}
