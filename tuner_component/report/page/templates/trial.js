// What a trial did, and two or more of them side by side: both in a dialog.

function configuration(trial) {
  var own = Object.entries(trial.hp).filter(function (pair) { return pair[0].indexOf("tuner/") !== 0; });
  return JSON.stringify(Object.fromEntries(own), null, 2);
}

function show(title, body) {
  var closed = document.getElementById("dialog");
  if (closed) { closed.remove(); }
  var dialog = h("dialog", {id: "dialog", "aria-labelledby": "dialog-title", onclose: function () { dialog.remove(); },
    onclick: function (event) { if (event.target === dialog) { dialog.close(); } }},
    h("div", {class: "inner"}, h("div", {class: "bar"}, h("h2", {id: "dialog-title"}, title),
      h("button", {type: "button", class: "quiet", onclick: function () { dialog.close(); }}, "Close")), body));
  document.body.append(dialog);
  dialog.showModal();
  dialog.querySelectorAll(".plot").forEach(drawNow);
}

function pairs(label, rows) {
  return scrolling(label, h("table", {class: "pairs"}, h("tbody", {}, rows.map(function (row) {
    return h("tr", {}, h("th", {scope: "row"}, row[0]), cell(row[1]));
  }))));
}

function stateOf(trial) {
  var word = trial.status;
  if (trial.stopped) { word += ", stopped early (" + trial.stopped + ")"; }
  if (trial.confirms) { word += ", re-run of trial " + trial.confirms; }
  return word;
}

function openTrial(trial, report) {
  var metrics = Object.keys(trial.metrics).map(function (name) { return [name, number(trial.metrics[name])]; });
  var facts = [["status", stateOf(trial)], ["score", number(trial.score)], ["best epoch", text(trial.epoch)],
    ["epochs trained", text(trial.epochs)], ["time", duration(trial.seconds)], ["started", when(trial.started)],
    ["worker", text(trial.worker)], ["seed", text(trial.seed)]];
  if (trial.node) { facts.push(["node", trial.node]); }
  if (trial.retried) { facts.push(["run again after it failed", counted(trial.retried, "time")]); }
  show("Trial " + trial.id, [
    h("div", {class: "columns"},
      h("section", {}, h("h3", {}, "Configuration"), pairs("Configuration", Object.keys(trial.hp).map(function (name) {
        return [name, number(trial.hp[name])];
      })), copyButton("Copy as JSON", function () { return configuration(trial); })),
      h("section", {}, h("h3", {}, "What came of it"), pairs("What came of it", facts)),
      metrics.length > 0 && h("section", {}, h("h3", {}, "Metrics at its best epoch"), pairs("Metrics", metrics))),
    curvesOf([trial], report),
    trial.message && h("section", {}, h("h3", {}, "What it failed with"), h("pre", {tabindex: "0"}, trial.message)),
    trial.log && h("section", {}, h("h3", {}, "The end of its log"), h("pre", {tabindex: "0"}, trial.log)),
    attemptsOf(trial)]);
}

function attemptsOf(trial) {
  if (trial.attempts.length === 0) { return null; }
  return h("section", {}, h("h3", {}, "Attempts"), scrolling("Attempts", h("table", {}, h("thead", {}, h("tr", {},
    ["worker", "node", "started", "took", "outcome", "reason"].map(function (name) { return head(name); }))),
    h("tbody", {}, trial.attempts.map(function (one) {
      var took = one[2] !== null && one[3] !== null ? duration(one[3] - one[2]) : "–";
      return h("tr", {}, [text(one[0]), text(one[1]), when(one[2]), took, one[4], one[5] || "–"].map(function (value) { return cell(value); }));
    })))));
}

var SERIES = ["#1d5fc4", "#c0341d", "#0b7a5f", "#9a6700", "#7a5bb5", "#333c47"];
var DASHES = ["solid", "dash", "dot", "dashdot"];

// The curves of all metrics and all trainings, one metric at a time.
function curvesOf(trials, report) {
  var names = [];
  trials.forEach(function (trial) {
    (trial.curves || []).forEach(function (curves) {
      Object.keys(curves).forEach(function (name) { if (names.indexOf(name) < 0) { names.push(name); } });
    });
  });
  if (names.length === 0) {
    return report.trials.curves < report.trials.having && trials.some(function (trial) { return !trial.curves && trial.epochs; }) ?
      h("p", {class: "soft"}, "Its learning curves are in study.json: here are those of the best " + report.trials.curves + " trials.") : null;
  }
  var objective = report.study.objective;
  var chosen = names.indexOf(objective) >= 0 ? objective : names[0];
  var place = h("div", {});
  function drawMetric() {
    var figure = {alt: chosen + " by epoch", note: "", data: [], layout: {height: 300, margin: {l: 8, r: 8, t: 8, b: 8},
      legend: {orientation: "h", y: 1.02, yanchor: "bottom", x: 0}, showlegend: true,
      xaxis: {automargin: true, title: {text: "epoch"}, tickformat: ",d", rangemode: "tozero"},
      yaxis: {automargin: true, exponentformat: "power", title: {text: escapedLabel(chosen)}}}};
    trials.forEach(function (trial, i) {
      (trial.curves || []).forEach(function (curves, j) {
        if (!has(curves, chosen)) { return; }
        var several = trial.curves.length > 1 ? ", training " + (j + 1) : "";
        figure.data.push({type: "scatter", mode: curves[chosen].y.length > 1 ? "lines" : "markers",
          x: curves[chosen].x || curves[chosen].y.map(function (_, k) { return k + 1; }), y: curves[chosen].y,
          name: escapedLabel("trial " + trial.id + several),
          line: {color: SERIES[i % SERIES.length], width: 2.5, dash: DASHES[(j + Math.floor(i / SERIES.length)) % DASHES.length]}});
      });
    });
    var longest = Math.max.apply(null, figure.data.map(function (trace) { return trace.x[trace.x.length - 1]; }).concat(1));
    if (longest < 9) { figure.layout.xaxis.dtick = 1; }
    place.replaceChildren(plotted("of-trial", figure, ""));
    if (document.getElementById("dialog")) { drawNow(place.querySelector(".plot")); }
  }
  var choice = h("select", {id: "metric", onchange: function () { chosen = choice.value; drawMetric(); }}, names.map(function (name) {
    return h("option", {value: name, selected: name === chosen}, name);
  }));
  drawMetric();
  return h("section", {}, h("h3", {}, "Learning curves"), names.length > 1 && h("p", {}, h("label", {for: "metric"}, "Metric "), choice), place);
}

function escapedLabel(label) {
  return label.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").slice(0, 60);
}

function compare(trials, report) {
  function line(label, values) {
    var differs = values.some(function (value) { return value !== values[0]; });
    return h("tr", {class: differs ? "differs" : null}, h("th", {scope: "row"}, label), values.map(function (value) { return cell(value); }));
  }
  function group(label, names, value) {
    var rows = names.filter(function (name) { return trials.some(function (trial) { return has(value(trial), name); }); });
    return rows.length === 0 ? null : [h("tr", {class: "group"}, h("th", {scope: "rowgroup", colspan: trials.length + 1}, label)),
      rows.map(function (name) { return line(name, trials.map(function (trial) { return number(at(value(trial), name)); })); })];
  }
  show("Trials " + trials.map(function (trial) { return trial.id; }).join(", "), [
    h("p", {class: "soft"}, "What differs is in bold."),
    scrolling("Trials side by side", h("table", {class: "compare"}, h("thead", {}, h("tr", {}, h("td", {}), trials.map(function (trial) {
      return head("trial " + trial.id);
    }))), h("tbody", {}, line("status", trials.map(stateOf)), line("score", trials.map(function (trial) { return number(trial.score); })),
      line("epochs", trials.map(function (trial) { return text(trial.epochs); })), line("time", trials.map(function (trial) { return duration(trial.seconds); })),
      group("Hyperparameters", report.trials.hyperparameters, function (trial) { return trial.hp; }),
      group("Metrics", report.trials.metrics, function (trial) { return trial.metrics; })))),
    curvesOf(trials, report)]);
}
