"""Command line ``soilft``, and what it shows.

- `main`: the commands that run stages.
- `exit_codes`: exit codes, by the error that ends the command.
- `terminal`: options and cluster that the commands share, and how they end.
- `clusters`: the cluster of a command, from region file, profile and options.
- `progress`: events as bars or as lines of a log.
- `status`: what a store holds, and what a run would do.
- `demo`: the quick start on a simulated archive.
- `submit`: unattended runs, sent away, followed and ended.
- `unattended`: the process of an unattended run on this machine.
- `releases`: update, releases, rollback, verify and prune.
- `view`: a release in the browser.
- `served`: the objects of a release, as the browser asks for them.
"""
