"""Processing chains: the region file, the stages, and the ``soilft`` command.

- `config`: the region file, checked and given meaning.
- `run`: a region file with its store, and what the store knows of it.
- `events`: what stages tell to progress bars and logs.
- `plan`: the units of a stage, and which of them are done.
- `outcomes`: tasks on the cluster, and what becomes of each.
- `work`: a stage at work: the units it does, the results it gathers, and where it ends.
- `stages`: the stages, in the order of the data.
- `cli`: the command ``soilft``.
"""
