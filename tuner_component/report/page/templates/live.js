// Draws the page again whenever the server that it comes from has newer data.

(function () {
  "use strict";
  var place = document.getElementById("live");
  var source = new EventSource(place.dataset.events);
  function say(text) { if (place.textContent !== text) { place.textContent = text; } }
  source.onopen = function () { say("Live: this page follows the search."); };
  source.onerror = function () { say("The server does not answer. Trying again ..."); };
  source.addEventListener("study", function (event) {
    window.tunerReport.show(JSON.parse(event.data));
  });
  source.addEventListener("over", function (event) {
    source.close();
    say(event.data === "finished" ? "The search is finished."
      : "Nobody works on this search any more. Run it again to go on; then load this page again.");
  });
})();
