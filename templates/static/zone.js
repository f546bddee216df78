// Tells the sign-up form the browser's time zone, so that 07:00 is the reader's own 07:00.
// Without it the form works with UTC, and a zone can be chosen by hand.
for (const field of document.querySelectorAll("[data-zone]")) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
  const isOffered = (option) => option.value === zone;
  if (!field.options || Array.from(field.options).some(isOffered)) field.value = zone;
}
