// What the page does: it sends what is asked, looks how it stands until it has ended, and shows what came of it where
// it belongs, with the focus there. Views come from the server as HTML in which everything foreign is escaped.
"use strict";

const EVERY = 300; // milliseconds between two looks
const SPOKEN = 5000; // milliseconds between two tellings of how far it is
const KINDS = { question: "question", program: "program", reply: "reply changed" };
const STATES = { running: "under way", stopped: "stopped", failed: "failed", answered: "" };
const PLACES = { ask: "question", run: "program", change: "reply" };
const BUSY = "Something is under way; wait for it, or stop it.";
const GONE = "The server does not answer. Start it again in the terminal, and open the address that it prints.";

const at = id => document.getElementById(id);
let shown = null; // the number of the answer that is shown
let waiting = null; // the number of what is waited for

// ---- what is sent and got

async function get(path, said) {
  const options = said && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(said) };
  try {
    const reply = await fetch(path, options);
    if (reply.ok) return reply;
    return { failed: { place: "banner", message: await reply.text() } };
  } catch {
    return { failed: { place: "banner", message: GONE } };
  }
}

// The reply as data, once it tells of no trouble; null when it did, and it is shown.
async function data(path, said) {
  const reply = await get(path, said);
  const told = reply.failed ? { trouble: reply.failed } : await reply.json();
  if (!told.trouble) return told;
  complain(told.trouble);
  return null;
}

// ---- what went wrong

function complain(trouble) {
  const place = at(`${trouble.place}-trouble`) ? trouble.place : "banner";
  const box = at(place === "banner" ? "banner" : `${place}-trouble`);
  if (trouble.html) box.innerHTML = trouble.html;
  else box.textContent = trouble.message;
  if (trouble.program && place === "program") at("program").value = trouble.program;
  const field = at({ question: "question", program: "program", reply: "reply" }[place]);
  if (field) field.setAttribute("aria-invalid", "true");
  box.hidden = false;
  box.focus();
}

function forget() {
  for (const box of document.querySelectorAll(".trouble[id]")) box.hidden = true;
  for (const field of document.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
}

// ---- what is under way

async function begin(path, said) {
  if (waiting !== null) {
    complain({ place: PLACES[path], message: BUSY });
    return;
  }
  forget();
  const from = document.activeElement;
  waiting = 0;
  const begun = await data(path, said);
  waiting = null;
  if (begun) follow(begun.number, from);
}

async function follow(number, from) {
  waiting = number;
  at("answer").hidden = true; // it is of something else
  at("progress").hidden = false;
  at("told").textContent = "";
  tell(number, { seconds: 0, answered: 0, wanted: 0 });
  list();
  let spoken = 0;
  let state = { state: "running" };
  while (state && state.state === "running") {
    state = await data(`asked/${number}`);
    if (state && state.state === "running") {
      const words = tell(number, state);
      if (Date.now() - spoken > SPOKEN) {
        at("said").textContent = words;
        spoken = Date.now();
      }
      await new Promise(resolve => setTimeout(resolve, EVERY));
    }
  }
  waiting = null;
  at("progress").hidden = true;
  if (state) ended(state, from);
  list();
}

function tell(number, { seconds, answered, wanted }) {
  const bar = at("bar");
  if (wanted) {
    bar.max = wanted;
    bar.value = answered;
  } else {
    bar.removeAttribute("value");
  }
  const far = wanted ? `${answered.toLocaleString("en")} of ${wanted.toLocaleString("en")} inputs answered` : "working";
  at("told").textContent = `${far}; ${Math.round(seconds)} s`;
  return at("told").textContent;
}

function ended(state, from) {
  if (state.state === "stopped") {
    at("said").textContent = "Stopped.";
    (from && from.isConnected ? from : at("question")).focus();
  } else if (state.trouble) {
    at("said").textContent = "It failed.";
    complain(state.trouble);
  } else {
    at("said").textContent = "";
    show(state);
  }
}

function show(state) {
  shown = state.number;
  at("view").innerHTML = state.html;
  at("answer").hidden = false;
  at("program").value = state.program;
  at("plan").hidden = true;
  at("answer").focus();
  const change = at("change");
  if (!change) return;
  const chosen = () => at("input").selectedOptions[0];
  at("reply").value = chosen().dataset.reply;
  at("input").addEventListener("change", () => { at("reply").value = chosen().dataset.reply; });
  change.addEventListener("submit", event => {
    event.preventDefault();
    const [step, row] = at("input").value.split(" ").map(Number);
    begin("change", { after: shown, step, row, reply: at("reply").value || null });
  });
}

// ---- what was asked so far

async function list() {
  const reply = await get("asked");
  if (reply.failed) return;
  const all = await reply.json();
  at("none").hidden = all.length > 0;
  at("history").replaceChildren(...all.map(entry));
}

function entry({ number, title, place, state }) {
  const button = document.createElement("button");
  const name = document.createElement("span");
  const note = document.createElement("span");
  button.type = "button";
  name.className = place === "program" ? "title program" : "title";
  name.textContent = title;
  note.className = "note";
  note.textContent = [`${number}`, KINDS[place], STATES[state]].filter(Boolean).join(" · ");
  button.append(name, note);
  if (number === shown) button.setAttribute("aria-current", "true");
  button.addEventListener("click", () => {
    if (waiting !== null) return;
    forget();
    if (place === "question") at("question").value = title;
    follow(number, button);
  });
  const item = document.createElement("li");
  item.append(button);
  return item;
}

// ---- what the page's parts do

at("ask").addEventListener("submit", event => {
  event.preventDefault();
  begin("ask", { question: at("question").value });
});

at("run").addEventListener("submit", event => {
  event.preventDefault();
  begin("run", { program: at("program").value, after: shown });
});

at("explain").addEventListener("click", async () => {
  forget();
  const told = await data("explain", { program: at("program").value });
  if (!told) return;
  at("plan").innerHTML = told.html;
  at("plan").hidden = false;
  at("plan").focus();
});

at("stop").addEventListener("click", () => { if (waiting) data("stop", { number: waiting }); });

for (const field of [at("question"), at("program")]) {
  field.addEventListener("keydown", event => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
    event.preventDefault();
    field.form.requestSubmit();
  });
}

for (const table of document.querySelectorAll("details.table")) {
  table.addEventListener("toggle", async () => {
    const place = table.querySelector(".shown");
    if (!table.open || place.firstChild) return;
    place.textContent = "…";
    const reply = await get(`table/${table.dataset.number}`);
    if (reply.failed) place.textContent = reply.failed.message;
    else place.innerHTML = await reply.text();
  });
}

addEventListener("focus", list); // another tab may have asked something
list();
