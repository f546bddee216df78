// Fills in the browser's time zone on the sign-up form, so 07:00 means the reader's own 07:00.
// Without scripts the form starts with UTC, and the reader can choose a zone.
for (const field of document.querySelectorAll("[data-zone]")) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
  const isOffered = (option) => option.value === zone;
  if (!field.options || Array.from(field.options).some(isOffered)) field.value = zone;
}
