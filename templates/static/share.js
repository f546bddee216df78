// Shows the button that copies a paper's link, if the browser can copy.
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
