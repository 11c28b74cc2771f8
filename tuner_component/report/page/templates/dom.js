// Elements, numbers and times. All text goes in as text: nothing that users wrote is HTML.

function h(name, attributes) {
  var element = document.createElement(name);
  Object.keys(attributes || {}).forEach(function (key) {
    var value = attributes[key];
    if (value === undefined || value === null || value === false) { return; }
    if (key.slice(0, 2) === "on") {
      element.addEventListener(key.slice(2), value);
    } else {
      element.setAttribute(key, value === true ? "" : value);
    }
  });
  for (var i = 2; i < arguments.length; i += 1) { put(element, arguments[i]); }
  return element;
}

function put(element, child) {
  if (Array.isArray(child)) {
    child.forEach(function (one) { put(element, one); });
  } else if (child !== undefined && child !== null && child !== false) {
    element.append(child.nodeType ? child : String(child));
  }
}

// Names that users chose: one may be called as what every object has.
function has(object, name) { return Object.prototype.hasOwnProperty.call(object, name); }
function at(object, name) { return has(object, name) ? object[name] : undefined; }

function counted(number, noun) { return number + " " + noun + (number === 1 ? "" : "s"); }

// Six digits, as in the sentences.
function number(value) {
  if (typeof value !== "number") { return text(value); }
  if (Number.isInteger(value) && Math.abs(value) < 1e15) { return String(value); }
  var rounded = Number(value.toPrecision(6));
  if (Math.abs(rounded) >= 1e-4) { return String(rounded); }
  return rounded.toExponential().replace(/e-(\d)$/, "e-0$1");
}

function text(value) {
  if (value === undefined || value === null) { return "–"; }
  return typeof value === "string" ? value : JSON.stringify(value);
}

function percent(share) { return (100 * share).toFixed(0) + " %"; }

function duration(seconds) {
  if (typeof seconds !== "number") { return "–"; }
  if (seconds < 60) { return seconds.toFixed(1) + " s"; }
  var minutes = Math.floor(Math.round(seconds) / 60);
  if (minutes < 60) { return minutes + " min " + (Math.round(seconds) % 60) + " s"; }
  return Math.floor(minutes / 60) + " h " + (minutes % 60) + " min";
}

// In the reader's time zone; from seconds, or from text of ISO 8601.
function when(value) {
  if (value === undefined || value === null) { return "–"; }
  // Not all browsers read +0000 without a colon.
  var iso = typeof value === "string" ? value.replace(/([+-]\d\d)(\d\d)$/, "$1:$2") : value * 1000;
  var date = new Date(iso);
  return isNaN(date) ? String(value) : date.toLocaleString(undefined, {dateStyle: "medium", timeStyle: "medium"});
}

function zone() { return Intl.DateTimeFormat().resolvedOptions().timeZone || "local"; }

function copyButton(label, content) {
  var button = h("button", {type: "button", class: "quiet", onclick: function () {
    var told = function (word) {
      button.textContent = word;
      setTimeout(function () { button.textContent = label; }, 2000);
    };
    copy(content()).then(function () { told("Copied"); }, function () { told("Not copied"); });
  }}, label);
  return button;
}

// A page from a file has no clipboard in some browsers.
function copy(content) {
  if (navigator.clipboard && window.isSecureContext) { return navigator.clipboard.writeText(content); }
  var area = h("textarea", {"aria-hidden": "true", style: "position:fixed;opacity:0"});
  area.value = content;
  (document.querySelector("dialog[open]") || document.body).append(area);
  area.select();
  var done = document.execCommand("copy");
  area.remove();
  return done ? Promise.resolve() : Promise.reject();
}

function download(name, type, content) {
  var link = h("a", {href: URL.createObjectURL(new Blob([content], {type: type})), download: name});
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(function () { URL.revokeObjectURL(link.href); }, 10000);
}

function scrolling(label, table) {
  return h("div", {class: "scroll", tabindex: "0", role: "region", "aria-label": label}, table);
}

function cell(value, isNumber) { return h("td", isNumber ? {class: "number"} : {}, value); }
function head(label, isNumber) { return h("th", {scope: "col", class: isNumber ? "number" : null}, label); }
