// What OHIF wants to find before it starts. Classic and deferred: it runs before OHIF's own script.
const told = JSON.parse(document.getElementById("viewer-start").textContent);
window.PUBLIC_URL = told.address;
window.config = told.config;
window.browserImportFunction = (name) => import(name);
// OHIF looks at its cookie first, and writes the language of the first visit there.
document.cookie = `i18next=${told.language}; path=/; samesite=lax`;
try {
  localStorage.setItem("i18nextLng", told.language);
} catch {
  // Storage is switched off: OHIF asks the browser for its language.
}
console.time("scriptToView"); // OHIF ends this timer
