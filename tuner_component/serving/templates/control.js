// Asks something of the search by way of the server, and shows what became of it.

(function () {
  "use strict";
  var place = document.getElementById("control");
  function find(name) { return document.getElementById("control-" + name); }
  function element(name, text) {
    var made = document.createElement(name);
    made.textContent = text;
    return made;
  }
  var shown = "";

  function say(text) { find("error").textContent = text; }

  function send(button, content) {
    if (button.disabled) { return; }
    button.disabled = true;  // A double click asks once.
    say("");
    var headers = {"Content-Type": "application/json"};
    headers[place.dataset.header] = place.dataset.key;
    fetch(place.dataset.address, {method: "POST", headers: headers, body: JSON.stringify(content)})
      .then(function (answer) {
        return answer.json().catch(function () { return {}; }).then(function (told) {
          if (!answer.ok) { say(told.error || "The server has refused it. Load this page again."); }
        });
      }, function () { say("The server does not answer."); })
      .then(function () { button.disabled = false; look(); });
  }

  function confirmed(question, then) {
    var dialog = find("confirm");
    find("question").textContent = question;
    find("yes").onclick = function () { dialog.close(); then(); };
    find("no").onclick = function () { dialog.close(); };
    dialog.showModal();
    find("no").focus();
  }

  function trialRow(trial) {
    var row = element("li", "Trial " + trial.trial + ", " + trial.status + " ");
    var button = element("button", "Stop trial " + trial.trial);
    button.type = "button";
    button.className = "control-stop";
    button.onclick = function () {
      confirmed("Stop trial " + trial.trial + "? It ends after its next epoch, with its best one so far.",
        function () { send(button, {kind: "stop_trial", trial: trial.trial}); });
    };
    row.append(button);
    return row;
  }

  function told(request) {
    var values = Object.keys(request.values || {}).map(function (name) {
      return name + "=" + JSON.stringify(request.values[name]);
    }).join(", ");
    return {stop_trial: "Stop trial " + request.trial, stop_search: "Stop the search",
      enqueue: "Try " + values, workers: "Trials at a time: " + request.workers}[request.kind];
  }

  function draw(known) {
    var now = JSON.stringify(known);
    if (now === shown) { return; }  // What has the focus keeps it.
    shown = now;
    var trials = known.trials.map(trialRow);
    find("trials").replaceChildren.apply(find("trials"), trials.length ? trials : [element("li", "None.")]);
    var asked = known.requests.slice().reverse().map(function (request) {
      return element("li", told(request) + ": " + request.state + (request.message ? ". " + request.message : ""));
    });
    find("asked").replaceChildren.apply(find("asked"), asked.length ? asked : [element("li", "Nothing.")]);
    place.querySelectorAll("button").forEach(function (button) {
      button.disabled = known.over === "finished";
    });
    find("no").disabled = false;
  }

  function look() {
    return fetch(place.dataset.address).then(function (answer) {
      if (answer.ok) { return answer.json().then(draw); }
    }, function () { return null; });  // The line at the top says so.
  }

  function again() {
    var wait = document.hidden ? Promise.resolve() : look();
    wait.then(function () { setTimeout(again, 1000); }, function () { setTimeout(again, 1000); });
  }

  find("stop").onclick = function () {
    confirmed("Stop the search? Trials that run end after their next epoch, and what was found is the result.",
      function () { send(find("stop"), {kind: "stop_search"}); });
  };

  // As the command does: what is JSON is what it says, all else is text.
  function parsed(text) {
    try {
      var value = JSON.parse(text);
      return value !== null && typeof value !== "object" ? value : text;
    } catch (error) { return text; }
  }

  var fields = JSON.parse(find("space").textContent).map(function (one, number) {
    var id = "control-value-" + number;
    var label = element("label", one.name + (one.may_be ? " (" + one.may_be + ")" : ""));
    label.htmlFor = id;
    var input = document.createElement("input");
    input.id = id;
    input.autocomplete = "off";
    input.placeholder = one.default;
    find("values").append(label, input);
    return [one.name, input];
  });
  find("enqueue").onsubmit = function (event) {
    event.preventDefault();
    var values = {};
    fields.forEach(function (field) {
      if (field[1].value !== "") {
        Object.defineProperty(values, field[0], {value: parsed(field[1].value), enumerable: true});
      }
    });
    send(event.submitter || find("enqueue").querySelector("button"), {kind: "enqueue", values: values});
  };
  find("workers").onsubmit = function (event) {
    event.preventDefault();
    send(event.submitter || find("workers").querySelector("button"),
      {kind: "workers", workers: Number(find("number").value)});
  };
  again();
})();
