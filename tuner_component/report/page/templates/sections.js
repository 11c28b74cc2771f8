// The page's sections, from top to bottom.

var TOPICS = {winner: "Winner", result: "Result", margin: "Lead", "default": "Over the defaults", noise: "Noise", course: "Course", decided: "Decided by", failures: "Failures", "re-runs": "Re-runs"};

function heading(report) {
  var study = report.study;
  return h("header", {}, h("p", {class: "eyebrow"}, report.title),
    h("p", {class: "soft"}, "Study " + study.id + ", started " + when(study.created) + ", ",
      study.status === "finished" ? "finished " + when(study.finished) : h("strong", {}, "not finished"), "."),
    study.losses.map(function (loss) { return h("p", {class: "bad"}, loss); }));
}

function hero(report) {
  var best = report.best, facts = report.facts;
  if (!best) {
    return h("div", {class: "hero"}, h("h1", {}, facts.completed ? "The objective is not known" : "No trial has completed"),
      h("p", {}, facts.completed ? "So nobody can say which trial is the best." : facts.failed ? "See the failures below." : "None has ended yet."));
  }
  return h("div", {class: "hero"},
    h("h1", {}, best.values.map(function (one) {
      return h("span", {class: "figure"}, h("span", {class: "name"}, one.name), " ", h("span", {class: "value"}, number(one.value)), " ");
    }), h("span", {class: "by"}, "by trial " + best.id + (best.epoch ? ", after epoch " + best.epoch : ""))),
    h("p", {class: "soft"}, [best.seeds && "The mean of " + counted(best.seeds, "re-run") + " with other seeds."].concat(best.briefs).filter(Boolean).join(" ")),
    best.shortfall ? h("p", {class: "bad"}, "This is not what was looked for: " + best.shortfall + ".") :
      best.constraints.length > 0 && h("p", {}, "It meets " + best.constraints.join(" and ") + ". A trial that does not comes behind all that do."));
}

function judgement(report) {
  return h("section", {id: "judgement", "aria-label": "Result"}, hero(report), h("div", {class: "columns verdict"},
    h("div", {}, h("h2", {}, "What was found"), h("dl", {class: "findings"}, report.findings.map(function (one) {
      return h("div", {class: one.mood}, h("dt", {}, TOPICS[one.topic] || one.topic), h("dd", {}, one.text));
    })), report.study.told.map(function (one) { return h("p", {class: "soft"}, one); })),
    h("div", {}, h("section", {id: "advice", class: "card accent"}, h("h2", {}, "What to do next"), report.advice.length > 0 ?
      h("ol", {}, report.advice.map(function (one) { return h("li", {class: one.mood}, one.text); })) :
      h("p", {class: "soft"}, "Nothing that these trials would call for.")),
      report.best && configurationCard(report))));
}

function configurationCard(report) {
  var best = report.best, trial = report.trials.rows.find(function (one) { return one.id === best.id; });
  return h("section", {id: "best", class: "card"}, h("h2", {}, "Best configuration"),
    h("table", {class: "pairs"}, h("tbody", {}, best.configuration.map(function (one) {
      return h("tr", {}, h("th", {scope: "row"}, one.name), cell(number(one.value), typeof one.value === "number"), h("td", {class: "track"}, one.place !== undefined &&
        h("span", {role: "img", "aria-label": "in its range from " + number(one.low) + " to " + number(one.high)},
          h("span", {class: "low"}, number(one.low)), h("span", {class: "rail"}, h("span", {class: "dot", style: "left:" + (100 * one.place).toFixed(1) + "%"})),
          h("span", {class: "high"}, number(one.high) + (one.logarithmic ? " log" : "")))));
    }))), h("p", {}, copyButton("Copy as JSON", function () { return configuration(trial); }), " ",
      h("button", {type: "button", class: "quiet", onclick: function () { openTrial(trial, report); }}, "Open trial")));
}

function confirmation(report) {
  var found = report.confirmation;
  if (!found) { return null; }
  var names = ["score in the search", "mean of re-runs", "standard deviation", "seeds", "rank before", "rank"];
  return h("section", {id: "confirmation"}, h("h2", {}, "How sure"), found.told.map(function (one) { return h("p", {}, one); }),
    scrolling("How sure", h("table", {}, h("thead", {}, h("tr", {}, head("trial"),
    names.map(function (name) { return head(name, true); }))), h("tbody", {}, found.trials.map(function (one) {
      return h("tr", {}, cell(one.trial_id + (one.failed ? " (a re-run failed)" : "")), [one.score, one.mean, one.spread,
        one.seeds + " of " + found.seeds, one.rank_before, one.rank].map(function (value) { return cell(number(value), true); }));
    })))));
}

function facts(report) {
  var f = report.facts;
  var shown = [["completed", f.completed, f.of ? "of " + f.of : ""], ["of them stopped early", f.stopped, ""], ["failed", f.failed, "", f.failed ? "bad" : ""]];
  if (f.paused) { shown.push(["paused", f.paused, ""]); }
  if (f.running) { shown.push(["not ended yet", f.running, ""]); }
  shown.push([report.confirmation ? "attempts, with re-runs" : "attempts", f.attempts, ""], ["epochs trained", f.epochs, ""], ["time of all trials", duration(f.seconds), ""]);
  if (f.elapsed !== null) { shown.push(["from start to end", duration(f.elapsed), ""]); }
  shown.push(["workers", f.workers, f.nodes ? "on " + counted(f.nodes, "node") : ""]);
  if (f.busy !== null) { shown.push(["workers busy", percent(f.busy), ""]); }
  return h("section", {id: "numbers"}, h("h2", {}, "In numbers"), h("dl", {class: "facts"}, shown.map(function (one) {
    return h("div", {}, h("dt", {}, one[0]), h("dd", {class: one[3] || null}, one[1], one[2] && h("span", {class: "soft"}, " " + one[2])));
  })));
}

function section(id, title, body) { return h("section", {id: id}, h("h2", {}, title), body); }

function figureOr(report, id, caption, missing, wide) {
  var figure = report.figures[id];
  return figure ? plotted(id, figure, caption, wide) : h("p", {class: "soft"}, missing);
}

function versusSection(report) {
  var found = report.versus;
  if (!found) { return null; }
  function row(label, values) {
    return h("tr", {}, h("th", {scope: "row"}, label), values.map(function (value) {
      return cell(label === "seconds in trials" ? duration(value) : number(value));
    }));
  }
  return section("versus", "Beside other studies", [report.figures.versus && figureOr(report, "versus", "The best score so far of each study.", ""),
    scrolling("Studies side by side", h("table", {class: "compare"}, h("thead", {}, h("tr", {}, h("td", {}), found.studies.map(function (id, i) {
      return head(id + (i === 0 ? " (this page)" : ""));
    }))), h("tbody", {}, found.labels.map(function (label, i) { return row(label, found.rows[i]); }),
      found.hyperparameters.length > 0 && h("tr", {class: "group"}, h("th", {scope: "rowgroup", colspan: found.studies.length + 1}, "Best hyperparameters")),
      found.hyperparameters.map(function (one) { return row(one[0], one.slice(1)); }))))]);
}

function frontSection(report) {
  var front = report.front;
  if (!front) { return null; }
  var caption = "Of the " + report.facts.completed + " trials that completed, " + front.count + (front.count === 1 ? " is" : " are") + " on the front" +
    (front.constraints.length > 0 ? " of those that meet the constraints" : "") + ": no other trial is at least as good in all objectives, and better in one. " +
    "The best one is the closest to the ideal point, with each objective scaled to its range over the front. Values are those after a trial's best epoch.";
  var missing = "There is no front yet" + (front.constraints.length > 0 ? ": no trial that meets the constraints has completed" : "") + ".";
  var byId = new Map(report.trials.rows.map(function (trial) { return [trial.id, trial]; }));
  var names = front.trials.length > 0 ? Object.keys(byId.get(front.trials[0].id).hp) : [];
  return section("front", "Front", [figureOr(report, "front", caption, missing, front.objectives.length > 2),
    front.trials.length > 0 && scrolling("Trials of the front", h("table", {}, h("thead", {}, h("tr", {}, head("trial"),
      front.objectives.map(function (one) { return head(one.name + " (" + one.direction + ")", true); }), names.map(function (name) { return head(name); }))),
    h("tbody", {}, front.trials.map(function (one, i) {
      return h("tr", {class: i === 0 ? "best" : null}, h("td", {}, h("button", {type: "button", class: "link", onclick: function () { openTrial(byId.get(one.id), report); }}, one.id),
        i === 0 ? " ★ best" : ""), one.values.map(function (value) { return cell(number(value), true); }),
        names.map(function (name) { return cell(number(at(byId.get(one.id).hp, name))); }));
    })))), front.count > front.trials.length && h("p", {class: "soft"}, "All " + front.count + " are in study.json.")]);
}

function slicesSection(report) {
  var shares = Boolean(report.figures.importance) && !report.figures.importance.note;
  return section("slices", "Slices", report.slices.length > 0 ? [
    h("p", {class: "caption"}, "Scores by the value of each hyperparameter" + (shares ? ", the most important first; in brackets the share of what is explained" : "") + ". Strong: the best trials. Star: the best one."),
    h("div", {class: "grid"}, report.slices.map(function (figure, i) { return plotted("slice-" + (i + 1), figure, ""); }))] :
    h("p", {class: "soft"}, "No hyperparameter was varied yet."));
}

function workers(report) {
  var names = ["node", "workers", "attempts", "lost", "time in trials", "busy"];
  return section("timeline", "Workers", [figureOr(report, "timeline", "A bar for each attempt of a trial; gaps are idle time.", "No trial has been run yet."),
    report.nodes.length > 0 && scrolling("Nodes", h("table", {}, h("thead", {}, h("tr", {}, names.map(function (name, i) { return head(name, i > 0); }))),
      h("tbody", {}, report.nodes.map(function (one) {
        return h("tr", {}, cell(one.node), cell(one.workers, true), cell(one.attempts, true), cell(one.lost, true),
          cell(duration(one.seconds), true), cell(one.busy === null ? "–" : percent(one.busy), true));
      }))))]);
}

function failures(report) {
  var byId = new Map(report.trials.rows.map(function (trial) { return [trial.id, trial]; }));
  return section("failures", "Failures", report.failures.length === 0 ? h("p", {class: "soft"}, "No trial has failed.") :
    report.failures.map(function (group, i) {
      var more = group.count > group.trials.length ? ", …" : "";
      return h("details", {open: i === 0}, h("summary", {}, h("strong", {class: "bad"}, group.count + " ×"), " ", h("code", {}, group.cause)),
        h("p", {class: "soft"}, "Trial" + (group.count > 1 ? "s " : " ") + group.trials.join(", ") + more + ". The first one says:"),
        h("pre", {tabindex: "0"}, (byId.get(group.trials[0]) || {}).message || ""));
    }));
}

function about(report) {
  var told = report.about;
  var depends = [["oracle", text(told.oracle)]].concat(told.decisions.map(function (one) { return ["decision", one]; }), [["seed", text(told.seed)]],
    Object.keys(told.versions).map(function (name) { return [name, told.versions[name]]; }),
    Object.keys(told.fingerprint).map(function (name) { return ["fingerprint: " + name, told.fingerprint[name]]; }));
  var space = told.space.map(function (entry) {
    var config = entry.config || {};
    return [text(config.name), text(entry.class_name) + ": " + Object.keys(config).filter(function (key) {
      return key !== "name" && key !== "conditions" && config[key] !== null;
    }).map(function (key) { return key + " " + number(config[key]); }).join(", ")];
  });
  return section("about", "About this study", [h("details", {}, h("summary", {}, "Search space"), pairs("Search space", space)),
    h("details", {}, h("summary", {}, "What it depends on"), pairs("What it depends on", depends)),
    h("p", {class: "soft"}, "Written by tuner_component " + report.version + ". Times are in your time zone, " + zone() + ".")]);
}
