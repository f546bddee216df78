// The button that copies a paper's link is there only where a browser can do it.
"use strict";
const button = document.getElementById("share");
if (button && navigator.clipboard) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.link);
    document.getElementById("shared").textContent = button.dataset.done;
    button.textContent = button.dataset.done;
  });
}
