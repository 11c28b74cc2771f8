// All trials: sorted, searched, chosen from, and taken along as CSV or JSON.

var STEP = 25;
// Kept when newer data come in.
var state = {sort: null, descending: false, query: "", status: "", limit: STEP, columns: null, picked: new Set()};

// A column: its name, a trial's value to sort and search by, and how it is shown.
function columnsOf(report) {
  var trials = report.trials, objective = report.study.objective;
  function plain(name, options) {
    return Object.assign({key: name, label: name, value: function (trial) { return trial[name]; }}, options);
  }
  var several = report.trials.rows.some(function (trial) { return trial.node; });
  return [].concat(
    plain("rank", {numeric: true, usual: true}),
    plain("id", {label: "trial", usual: true}),
    plain("score", {numeric: true, usual: true, label: objective ? "score (" + objective + ")" : "score"}),
    report.confirmation ? {key: "mean", label: "mean of re-runs", numeric: true, usual: true, value: function (trial) {
      var again = report.confirmation.trials.find(function (one) { return one.trial_id === trial.id; });
      return again && again.mean !== null ? again.mean : undefined;
    }} : [],
    plain("status", {usual: true, value: stateOf}),
    trials.metrics.filter(function (name) { return name !== objective; }).map(function (name, i) {
      return {key: "metric." + name, label: name, numeric: true, usual: i < 2, value: function (trial) { return at(trial.metrics, name); }};
    }),
    objective && trials.metrics.indexOf(objective) >= 0 ?
      {key: "metric." + objective, label: objective, numeric: true, value: function (trial) { return at(trial.metrics, objective); }} : [],
    trials.hyperparameters.map(function (name) {
      var numeric = trials.rows.every(function (trial) { return !has(trial.hp, name) || typeof trial.hp[name] === "number"; });
      return {key: "hp." + name, label: name, numeric: numeric, usual: name.indexOf("tuner/") !== 0, value: function (trial) { return at(trial.hp, name); }};
    }),
    plain("epochs", {numeric: true, usual: true}),
    plain("epoch", {numeric: true, label: "best epoch"}),
    plain("seconds", {numeric: true, usual: true, label: "time", show: duration}),
    plain("worker", {}),
    several ? plain("node", {usual: true}) : [],
    plain("started", {numeric: true, show: when}),
    plain("ended", {numeric: true, show: when}),
    {key: "attempts", label: "attempts", numeric: true, value: function (trial) { return trial.attempts.length; }},
    plain("seed", {numeric: true}),
    plain("cause", {label: "failed with", usual: trials.rows.some(function (trial) { return trial.cause; })}));
}

// Words, which a row has to hold all of; and conditions such as rate<0.01 or units>=32.
function matcher(query, columns) {
  var tests = query.trim().split(/\s+/).filter(Boolean).map(function (term) {
    var parts = /^(.+?)(<=|>=|!=|=|<|>)(.+)$/.exec(term);
    var column = parts && columns.find(function (one) {
      return [one.key, one.label, one.key.replace(/^(hp|metric)\./, "")].indexOf(parts[1]) >= 0;
    });
    if (!column) {
      var word = term.toLowerCase();
      return function (trial) {
        return columns.some(function (one) {
          var value = one.value(trial);
          return value !== undefined && String(one.numeric ? number(value) : text(value)).toLowerCase().indexOf(word) >= 0;
        });
      };
    }
    return function (trial) {
      var value = column.value(trial), wanted = parts[3];
      if (value === undefined) { return parts[2] === "!="; }
      var both = column.numeric && !isNaN(Number(wanted)) ? [value, Number(wanted)] : [String(value), wanted];
      return {"<": both[0] < both[1], "<=": both[0] <= both[1], ">": both[0] > both[1], ">=": both[0] >= both[1],
        "=": both[0] === both[1], "!=": both[0] !== both[1]}[parts[2]];
    };
  });
  return function (trial) { return tests.every(function (test) { return test(trial); }); };
}

function sorted(trials, column, descending) {
  return trials.slice().sort(function (one, other) {
    var a = column.value(one), b = column.value(other);
    // Who has no value comes last, either way.
    if (a === undefined || b === undefined) { return (a === undefined) - (b === undefined); }
    var order = typeof a === "number" && typeof b === "number" ? a - b : text(a).localeCompare(text(b), undefined, {numeric: true});
    return descending ? -order : order;
  });
}

function trialsTable(report) {
  var columns = columnsOf(report);
  if (!state.columns) {
    state.columns = new Set(columns.filter(function (one) { return one.usual; }).map(function (one) { return one.key; }));
  }
  var statuses = Array.from(new Set(report.trials.rows.map(function (trial) { return trial.status; })));
  var holder = h("div", {}), count = h("p", {class: "soft", role: "status"}), more = h("p", {}), side = h("p", {class: "side"});

  function chosen() {
    var matches = matcher(state.query, columns);
    var found = report.trials.rows.filter(function (trial) { return (!state.status || trial.status === state.status) && matches(trial); });
    var column = columns.find(function (one) { return one.key === state.sort; });
    return column ? sorted(found, column, state.descending) : found;
  }

  function heading(column) {
    var active = state.sort === column.key;
    var order = active ? (state.descending ? "descending" : "ascending") : null;
    return h("th", {scope: "col", class: column.numeric ? "number" : null, "aria-sort": order},
      h("button", {type: "button", class: "sort", "data-column": column.key, onclick: function () {
        state.descending = active && !state.descending;
        state.sort = column.key;
        update();
        holder.querySelector('[data-column="' + CSS.escape(column.key) + '"]').focus();
      }}, column.label, h("span", {"aria-hidden": "true"}, active ? (state.descending ? " ▼" : " ▲") : "")));
  }

  function row(trial, shown) {
    var best = report.best && trial.id === report.best.id;
    var pick = h("input", {type: "checkbox", "aria-label": "compare trial " + trial.id, onchange: function () {
      state.picked[pick.checked ? "add" : "delete"](trial.id);
      showPicked();
    }});
    pick.checked = state.picked.has(trial.id);
    return h("tr", {class: (best ? "best " : "") + trial.status}, h("td", {}, pick), shown.map(function (column) {
      var value = column.value(trial);
      if (column.key === "id") {
        return h("td", {}, h("button", {type: "button", class: "link", onclick: function () { openTrial(trial, report); }}, trial.id), best ? " ★ best" : "");
      }
      if (value !== undefined && column.show) { value = column.show(value); }
      return h("td", {class: column.numeric ? "number" : column.key === "cause" ? "long" : column.key === "status" ? "status" : null}, column.numeric ? number(value) : text(value));
    }));
  }

  function showPicked() {
    var picked = report.trials.rows.filter(function (trial) { return state.picked.has(trial.id); });
    side.replaceChildren();
    if (picked.length === 0) { side.append("Tick two or more trials to see them side by side."); return; }
    put(side, [h("button", {type: "button", class: "main", disabled: picked.length < 2, onclick: function () { compare(picked, report); }},
      "Compare " + counted(picked.length, "trial")), " ",
      h("button", {type: "button", class: "quiet", onclick: function () { state.picked.clear(); update(); }}, "Clear")]);
  }

  function update() {
    var shown = columns.filter(function (one) { return state.columns.has(one.key); });
    var found = chosen(), part = found.slice(0, state.limit);
    var again = found.filter(function (trial) { return trial.confirms; }).length;
    count.textContent = counted(found.length - again, "trial") + (again ? " and " + counted(again, "re-run") : "") + (found.length < report.trials.rows.length ? " of " + report.trials.rows.length : "") +
      (part.length < found.length ? ", the first " + part.length + " shown" : "");
    holder.replaceChildren(scrolling("Trials", h("table", {id: "trials-table"}, h("thead", {}, h("tr", {}, h("td", {}),
      shown.map(heading))), h("tbody", {}, part.map(function (trial) { return row(trial, shown); })))));
    more.replaceChildren();
    if (part.length < found.length) {
      put(more, [h("button", {type: "button", class: "quiet", onclick: function () { state.limit += 100; update(); }}, "Show 100 more"), " ",
        h("button", {type: "button", class: "quiet", onclick: function () { state.limit = Infinity; update(); }}, "Show all")]);
    }
    showPicked();
  }

  var search = h("input", {type: "search", id: "search", placeholder: "words, or rate<0.01", autocomplete: "off", oninput: function () {
    state.query = search.value;
    update();
  }});
  search.value = state.query;
  var status = h("select", {id: "status", onchange: function () { state.status = status.value; update(); }},
    h("option", {value: ""}, "any"), statuses.map(function (one) { return h("option", {value: one, selected: one === state.status}, one); }));
  update();
  return [h("div", {class: "tools"},
    h("span", {}, h("label", {for: "search"}, "Search "), search), h("span", {}, h("label", {for: "status"}, "Status "), status),
    chooser(columns, update),
    h("span", {}, h("button", {type: "button", class: "quiet", onclick: function () {
      download("trials.csv", "text/csv;charset=utf-8", csvOf(chosen(), columns));
    }}, "CSV"), " ", h("button", {type: "button", class: "quiet", onclick: function () {
      download("trials.json", "application/json", JSON.stringify(chosen(), null, 1));
    }}, "JSON"))), side, count, holder, more];
}

function chooser(columns, update) {
  return h("details", {class: "chooser"}, h("summary", {}, "Columns"), h("div", {class: "menu"}, columns.map(function (column) {
    var box = h("input", {type: "checkbox", onchange: function () {
      state.columns[box.checked ? "add" : "delete"](column.key);
      update();
    }});
    box.checked = state.columns.has(column.key);
    return h("label", {}, box, " " + column.label + (column.key.indexOf("metric.") === 0 ? " (metric)" : ""));
  })));
}

// All columns, also those that are not shown.
function csvOf(trials, columns) {
  function quoted(value) {
    var shown = value === undefined ? "" : typeof value === "number" ? String(value) : text(value);
    // A spreadsheet would run what begins like a formula.
    if (typeof value !== "number" && /^[=+\-@\t\r]/.test(shown)) { shown = "'" + shown; }
    return /[",\n\r]/.test(shown) ? '"' + shown.replace(/"/g, '""') + '"' : shown;
  }
  var keys = columns.map(function (one) { return one.key === "id" ? "trial_id" : one.key; });
  return [keys].concat(trials.map(function (trial) {
    return columns.map(function (one) { return one.value(trial); });
  })).map(function (line) { return line.map(quoted).join(","); }).join("\r\n") + "\r\n";
}
