// Draws the page from its data, and again when newer data of the same study come in.

function render(report) {
  plots.palette = report.palette;
  plots.known.clear();
  if (plots.waiting) { plots.waiting.disconnect(); }
  var byLabel = new Map(report.trials.rows.map(function (trial) { return [trial.id, trial]; }));
  plots.open = function (label) {
    var trial = byLabel.get(unescaped(label));
    if (trial) { openTrial(trial, report); }
  };
  var links = [["judgement", "Result"], report.confirmation && ["confirmation", "How sure"], report.versus && ["versus", "Other studies"], report.front && ["front", "Front"], ["history", "History"], ["importance", "What mattered"], ["curves", "Learning curves"],
    ["parallel", "Combinations"], ["slices", "Slices"], ["trials", "Trials"], ["timeline", "Workers"], ["failures", "Failures"], ["about", "About"]];
  var page = [h("a", {class: "skip", href: "#trials"}, "To the table of trials"), heading(report),
    h("nav", {"aria-label": "Sections"}, links.filter(Boolean).map(function (one) { return h("a", {href: "#" + one[0]}, one[1]); })),
    h("main", {}, judgement(report), facts(report), confirmation(report), versusSection(report), frontSection(report),
      h("div", {class: "columns"}, section("history", "History", figureOr(report, "history",
        "Each trial's score in the order in which trials ended" + (report.front ? "; it is the sum of the objectives, those to be maximized with a minus" : "") + ".", "There is no score yet.")),
      section("importance", "What mattered", figureOr(report, "importance", "How much worse a random forest predicts scores if it does not know a hyperparameter (permutation importance, from " +
        report.facts.completed + " trials).", "Not known yet: this needs " + report.least + " completed trials, and hyperparameters that make a difference."))),
      section("curves", "Learning curves", figureOr(report, "curves", "The first training of each trial; a cross marks where one was stopped.",
        "No epochs were reported: the trials neither train a Keras model through their tuner nor call report_epoch.")),
      section("parallel", "Combinations", figureOr(report, "combinations", "A line for each trial; the best ones are the strongest, and better scores are at the top of the last axis.", "No hyperparameter was varied yet.", true)),
      slicesSection(report),
      section("trials", "Trials", report.trials.rows.length > 0 ? trialsTable(report) : h("p", {class: "soft"}, "No trial has begun.")),
      workers(report), failures(report), about(report))];
  document.title = report.title + ": study " + report.study.id;
  document.getElementById("report").replaceChildren.apply(document.getElementById("report"), page);
}

render(JSON.parse(document.getElementById("data").textContent));
window.tunerReport = {show: function (report) { render(report); beginPlots(); }};
// The words first: plots wait until they are on the screen.
requestAnimationFrame(function () { setTimeout(beginPlots, 0); });
