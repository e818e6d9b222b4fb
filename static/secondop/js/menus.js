// The account menu is a <details>: it opens without JavaScript. Here: Escape and a click elsewhere close it.

export function startMenus(root) {
  root.addEventListener("click", (event) => {
    for (const menu of openMenus(root)) if (!menu.contains(event.target)) menu.open = false;
  });
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of openMenus(root)) {
      menu.open = false;
      if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
    }
  });
}

function openMenus(root) {
  return root.querySelectorAll("details[data-menu][open]");
}
