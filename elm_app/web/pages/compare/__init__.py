"""The Compare tab (`panel`): a benchmark's report, drawn (`figures`), and how it stands while it goes on (`standing`);
a new one (`setup`, `starting`), and the same as a command (`command`)."""
