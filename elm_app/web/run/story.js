// The recorded runs of the empty page: while one is played again, the bar offers the next one. Stands after replay.js.

{
  const links = [...element.querySelectorAll(".story a[data-replay]")];
  const following = part("replay-next");

  watchers.push(() => {
    const place = links.findIndex((link) => link.dataset.replay === run);
    const next = replay && place >= 0 ? links[place + 1] : undefined;
    following.hidden = !next;
    if (!next || following.dataset.replay === next.dataset.replay) return;
    following.href = next.href;
    following.dataset.replay = next.dataset.replay;
    following.dataset.speed = next.dataset.speed;
    following.textContent = `Next: ${next.querySelector("strong").textContent}`;
  });
}
