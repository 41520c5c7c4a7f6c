"""Processing chains: the region file, the stages, and the ``soilft`` command.

- `config`: the region file, checked and given meaning.
- `places`: where everything lies below a store.
- `facts`: names of units, and facts that stages leave each other.
- `lineage`: the key of every unit, and the versions of the stages.
- `run`: a region file on its store, and what the store has of it today.
- `events`: what stages tell to progress bars and logs.
- `plan`: the units of a stage, and which of them are done.
- `outcomes`: tasks on the cluster, and what becomes of each.
- `checked`: tasks whose writes are noted and whose reads are held against what was written.
- `work`: a stage at work: the units it does, the results it gathers, and where it ends.
- `stages`: the stages, in the order of the data.
- `cli`: the command ``soilft``.
"""
