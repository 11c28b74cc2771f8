// Plots: drawn when they come into view, in the colours of the page, with words beside them.

var plots = {waiting: null, known: new Map(), palette: {}, open: null};
var dark = window.matchMedia("(prefers-color-scheme: dark)");

// Another page than this one's white has other colours in the place of each.
function themed(value) {
  if (typeof value === "string") {
    return plots.palette[value] || (value.indexOf("rgba(255,255,255") === 0 ? "rgba(20,24,29,0.8)" : value);
  }
  if (Array.isArray(value)) {
    return typeof value[0] === "number" ? value : value.map(themed);
  }
  if (value && typeof value === "object") {
    var copied = {};
    Object.keys(value).forEach(function (key) { copied[key] = themed(value[key]); });
    return copied;
  }
  return value;
}

function template(isDark) {
  var line = isDark ? "#2b323a" : "#e3e7eb", ink = isDark ? "#c3cad2" : "#3f4851";
  var axis = {gridcolor: line, linecolor: line, zeroline: false, tickfont: {color: ink}, title: {font: {color: ink}}};
  return {layout: {xaxis: axis, yaxis: axis, font: {color: ink}, paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)", hoverlabel: {bgcolor: isDark ? "#2b323a" : "#ffffff",
      font: {color: isDark ? "#e8ebee" : "#1f2328"}, bordercolor: ink}}};
}

// Times are in UTC. Plotly knows no zones, so it is given what a clock here would show.
function localTimes(figure) {
  if (!figure.layout.xaxis || figure.layout.xaxis.type !== "date") { return; }
  figure.layout.xaxis.title = {text: "time (" + zone() + ")"};
  figure.data.forEach(function (trace) {
    if (!trace.base) { return; }
    trace.base = trace.base.map(function (moment) {
      var date = new Date(moment.replace(" ", "T") + "Z");
      return new Date(date - 60000 * date.getTimezoneOffset()).toISOString().replace("Z", "");
    });
  });
}

function draw(target) {
  var figure = JSON.parse(JSON.stringify(plots.known.get(target)));
  if (dark.matches && !plots.printing) { figure = themed(figure); }
  localTimes(figure);
  figure.layout.template = template(dark.matches && !plots.printing);
  delete figure.layout.width;
  if (target.clientWidth < 500 && figure.layout.xaxis && figure.data[0] && figure.data[0].orientation !== "h") {
    figure.layout.xaxis.nticks = 5;
  }
  Plotly.react(target, figure.data, figure.layout, {responsive: true, displayModeBar: false, displaylogo: false})
    .then(function () {
      target.dataset.drawn = "true";
      if (target.dataset.clicks) { return; }
      target.dataset.clicks = "true";
      target.on("plotly_click", function (event) {
        var data = event.points[0].customdata;
        if (plots.open && data) { plots.open(Array.isArray(data) ? data[0] : data); }
      });
    });
}

function load() {
  if (window.Plotly) { return; }
  var library = document.createElement("script");
  library.textContent = document.getElementById("plotly").textContent;
  document.head.append(library);
}

function drawNow(target) {
  if (plots.waiting) { plots.waiting.unobserve(target); }
  load();
  draw(target);
}

// A figure with its caption, its description and its numbers as a table.
function plotted(id, figure, caption, wide) {
  var height = figure.layout.height;
  var target = h("div", {class: "plot", id: "plot-" + id, style: "height:" + height + "px", role: "img", "aria-label": figure.alt});
  plots.known.set(target, figure);
  if (plots.waiting) { plots.waiting.observe(target); }
  return h("figure", {}, h("figcaption", {}, caption, caption && figure.note ? " " : "", figure.note && h("strong", {}, figure.note)),
    wide ? h("div", {class: "scroll wide", tabindex: "0", role: "region", "aria-label": figure.alt}, target) : target,
    numbersOf(figure));
}

var MOST_NUMBERS = 1000;

function numbersOf(figure) {
  var details = h("details", {class: "numbers", ontoggle: function () {
    if (!details.open || details.childElementCount > 1) { return; }
    details.append(scrolling("Numbers of the plot: " + figure.alt, tableOf(figure)));
  }}, h("summary", {}, "Numbers"));
  return details;
}

function tableOf(figure) {
  var title = function (axis) { return (axis && axis.title && axis.title.text) || ""; };
  var rows = [];
  figure.data.forEach(function (trace) {
    (trace.x || []).forEach(function (x, i) {
      if (x === null || rows.length >= MOST_NUMBERS) { return; }
      var words = trace.text && trace.text[i] ? String(trace.text[i]).replace(/<br>/g, ", ") : "";
      var trial = trace.customdata && trace.customdata[i];
      if (trial && !words) { words = "trial " + (Array.isArray(trial) ? trial[0] : trial); }
      if (trace.base) { words = trace.base[i] + (words ? ", " + words : ""); }
      rows.push(h("tr", {}, cell(trace.name), cell(unescaped(words)), cell(number(x), true), cell(number(trace.y[i]), true)));
    });
  });
  return h("table", {}, h("thead", {}, h("tr", {}, head("series"), head("what"),
    head(unescaped(title(figure.layout.xaxis)) || "across", true), head(unescaped(title(figure.layout.yaxis)) || "up", true))), h("tbody", {}, rows));
}

// Labels are escaped for Plotly, which reads some HTML.
function unescaped(label) {
  return new DOMParser().parseFromString("<p>" + label, "text/html").body.textContent;
}

function beginPlots() {
  plots.waiting = new IntersectionObserver(function (entries) {
    entries.forEach(function (entry) {
      if (entry.isIntersecting) { drawNow(entry.target); }
    });
  }, {rootMargin: "300px"});
  var all = document.querySelectorAll(".plot");
  all.forEach(function (target) { plots.waiting.observe(target); });
  // The first is ready before anyone scrolls.
  if (all.length > 0) { drawNow(all[0]); }
}

function redraw(all) {
  document.querySelectorAll(".plot").forEach(function (target) {
    if (all || target.dataset.drawn) { drawNow(target); }
  });
}

dark.addEventListener("change", function () { redraw(false); });
window.addEventListener("beforeprint", function () { plots.printing = true; redraw(true); });
window.addEventListener("afterprint", function () { plots.printing = false; redraw(false); });
