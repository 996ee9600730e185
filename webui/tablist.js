// The tabs by the ARIA pattern: one of them is in the order of the Tab key, the arrow keys go from one to the next.
const tabs = () => [...document.querySelectorAll('#tabs [role=tablist] [role=tab]')].filter((tab) => tab.checkVisibility());
const settle = () => tabs().forEach((tab) => { tab.tabIndex = tab.getAttribute('aria-selected') === 'true' ? 0 : -1; });
document.addEventListener('keydown', (event) => {
  const all = tabs(), at = all.indexOf(event.target);
  const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
  if (at < 0 || next === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  const to = all[(next + all.length) % all.length];
  to.click();
  to.focus();
});
new MutationObserver(settle).observe(document.body, { subtree: true, childList: true, attributeFilter: ['aria-selected'] });
settle();
