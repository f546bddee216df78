// Loads the page again while digests go out, unless somebody is reading something opened or writing.
(() => {
  const note = document.querySelector("[data-refresh]");
  if (!note) return;
  const isBusy = () =>
    document.hidden ||
    document.querySelector("details[open]") ||
    (document.activeElement && document.activeElement.matches("button, input, select, textarea, a, summary"));
  setInterval(() => isBusy() || location.reload(), Number(note.dataset.refresh) * 1000);
})();
