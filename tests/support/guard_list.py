"""Lines of the code that guard, and the tests that should notice when one is gone."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Guard:
    """A line that guards, what is put in its place, and the tests that should notice."""

    file: str
    line: str
    instead: str
    tests: str


GUARDS = (
    Guard(
        "soilft/store/objects.py",
        "            if read(url) != old:",
        "            if False:",
        "tests/soilft/store/test_objects.py",
    ),
    Guard(
        "soilft/store/ledger.py",
        "record is not None and record.key == key",
        "record is not None",
        "tests/soilft/store/test_ledger.py",
    ),
    Guard(
        "soilft/sources/files.py",
        "    if found != units:",
        "    if False:",
        "tests/soilft/sources/test_gldas.py",
    ),
    Guard(
        "soilft/ingest/archive.py",
        "                require_led_somewhere(file, source.product)",
        "                pass",
        "tests/soilft/ingest/test_links.py",
    ),
    Guard(
        "soilft/sources/files.py",
        "        urls.add(os.path.realpath(objects.filesystem(granule.url)[1]))",
        "        pass",
        "tests/soilft/ingest/test_links.py",
    ),
    Guard(
        "soilft/sources/raster.py",
        "    if MaskFlags.per_dataset in raster.mask_flag_enums[0]:",
        "    if False:",
        "tests/soilft/sources/test_raster_masks.py",
    ),
    Guard(
        "soilft/sources/raster.py",
        " if raster.count == 2 else False",
        " if False else False",
        "tests/soilft/sources/test_raster_masks.py",
    ),
    Guard(
        "soilft/sources/dem.py",
        "                wrong |= here",
        "                pass",
        "tests/soilft/sources/test_raster_masks.py",
    ),
    Guard(
        "soilft/sources/soilgrids.py",
        "    if (values > ROUNDED_UP * most).any():",
        "    if False:",
        "tests/soilft/sources/test_raster_masks.py",
    ),
    Guard(
        "soilft/sources/soilgrids.py",
        "    return np.where(values >= 0, values, np.float32(np.nan))",
        "    return values",
        "tests/soilft/sources/test_raster_masks.py",
    ),
    Guard(
        "soilft/sources/files.py",
        "                if fs.exists(path + end):",
        "                if False:",
        "tests/soilft/sources/test_raster_masks.py",
    ),
    Guard(
        "soilft/sources/files.py",
        "    if not path.is_symlink() or path.suffix",
        "    if True or path.suffix",
        "tests/soilft/sources/test_raster_masks.py",
    ),
    Guard(
        "soilft/ingest/archive.py",
        'file.stamp + masks.get(file.url, "")',
        "file.stamp",
        "tests/soilft/sources/test_raster_masks.py",
    ),
    Guard(
        "soilft/sources/native_grid.py", "    if not fits:", "    if False:", "tests/soilft/sources"
    ),
    Guard(
        "soilft/geo/regrid.py",
        "    if source.geographic:  # the area of a zone grows with the sine of latitude",
        "    if False:",
        "tests/soilft/geo/test_regrid.py",
    ),
    Guard(
        "soilft/radiometers/intercalibration_links.py",
        "            link.days[day_role != TEST],",
        "            link.days,",
        "tests/soilft/radiometers",
    ),
    Guard(
        "soilft/training/held_out.py",
        "train = ~(in_year & (of_years > 1)) & ~(in_block & (of_blocks > 1))",
        "train = ~test",
        "tests/soilft/training/test_held_out.py",
    ),
    Guard(
        "soilft/training/sampling.py",
        "    joined = joined.take(np.lexsort((joined.cell, joined.overpass, joined.day)))\n",
        "",
        "tests/soilft/training/test_sampling.py",
    ),
    Guard(
        "soilft/forest/compiled.py",
        "left = np.uint32(rank + (link & one)) <= nodes[at, 1]",
        "left = np.uint32(rank + (link & one)) < nodes[at, 1]",
        "tests/soilft/forest/test_compiled.py",
    ),
    Guard(
        "soilft/uncertainty/conformal.py",
        "_frozen_score(frozen) <= self.threshold_frozen",
        "_frozen_score(frozen) < self.threshold_frozen",
        "tests/soilft/uncertainty",
    ),
    Guard(
        "soilft/cube/structure.py",
        "np.where(known, state, MISSING)",
        "np.where(known, state, 0)",
        "tests/soilft/cube",
    ),
    Guard(
        "soilft/annual/phenology.py",
        "    enough = known >= least_known",
        "    enough = known >= 0",
        "tests/soilft/annual/test_phenology.py",
    ),
    Guard(
        "soilft/scores/bootstrap.py",
        "    values, at = np.unique(block, return_inverse=True)",
        "    values, at = np.unique(np.arange(len(block)), return_inverse=True)",
        "tests/soilft/scores/test_bootstrap.py",
    ),
    Guard(
        "soilft/release/prefix.py",
        "            if found.get(name) != self.expected.get(name):",
        "            if False:",
        "tests/soilft/release",
    ),
    Guard(
        "soilft/release/lease.py",
        "        if time.monotonic() >= self._until:",
        "        if False:",
        "tests/soilft/release",
    ),
    Guard(
        "soilft/release/publication.py",
        '    if current is not None and current["identity"] == staged.identity:',
        "    if False:",
        "tests/soilft/release/test_publication.py",
    ),
    Guard(
        "soilft/release/checks.py",
        "    if not skill.exceeds(limits.min_skill):",
        "    if False:",
        "tests/pipelines/test_skill.py",
    ),
    Guard(
        "soilft/trials/experiments.py",
        "            if len(classes) < 2:",
        "            if False:",
        "tests/soilft/trials/test_experiments.py",
    ),
    Guard(
        "soilft/simulate/domain.py",
        "SeedSequence([self.seed, *where",
        "SeedSequence([*where",
        "tests/simulate/test_files.py",
    ),
    Guard(
        "cluster/preflight.py",
        '        if worker["memory_limit"] and worker["memory_limit"] < peak_bytes',
        "        if False",
        "tests/cluster/test_preflight.py",
    ),
    Guard(
        "cluster/watch.py",
        "        elif time.monotonic() - seen > seconds:",
        "        elif False:",
        "tests/cluster/test_lost.py",
    ),
    Guard(
        "pipelines/work.py",
        "        tasks = {unit.name: unit.task for unit in plan.todo if unit.name in keys}",
        "        tasks = {unit.name: unit.task for unit in plan.todo if unit.name in keys}\n"
        "        for name in tasks:\n"
        '            self.run.ledger.put(plan.stage, f"{plan.within}{name}", Done("", ""))',
        "tests/pipelines/test_work.py tests/failure/test_kill_resume.py",
    ),
    Guard(
        "pipelines/outcomes.py",
        "    if left is not None and peak_bytes > left:",
        "    if False:",
        "tests/pipelines/test_outcomes.py tests/pipelines/test_work.py",
    ),
    Guard(
        "pipelines/lineage.py",
        '        config.label.model_dump(mode="json"),\n        config.sampling',
        "        config.sampling",
        "tests/pipelines/test_lineage.py",
    ),
    Guard(
        "pipelines/config/sections.py",
        'extra="forbid"',
        'extra="ignore"',
        "tests/failure/test_bad_input.py",
    ),
    Guard(
        "pipelines/config/as_written.py",
        "            if name in given:",
        "            if False:",
        "tests/pipelines/test_as_written.py",
    ),
    Guard(
        "pipelines/config/as_written.py",
        "        if node.tag == _INT and",
        "        if False and",
        "tests/pipelines/test_as_written.py",
    ),
    Guard(
        "soilft/store/objects.py",
        '    if "::" in url:',
        "    if False:",
        "tests/soilft/store/test_objects.py",
    ),
    Guard(
        "viewer/src/cube.ts",
        "export const MISSING = 255;",
        "export const MISSING = 0;",
        "tests/viewer/test_bundle.py",
    ),
    Guard(
        "soilft/sources/dated.py",
        "    if found.size == 1 and abs(found[0] - named) < slack:",
        "    if True:",
        "tests/soilft/sources/test_dated.py",
    ),
    Guard(
        "soilft/sources/gldas.py",
        "            dated.require_time(dataset, stamp, path, slack=HALF_A_STEP)",
        "            pass",
        "tests/soilft/sources/test_gldas_names.py",
    ),
    Guard(
        "soilft/sources/esa_cci.py",
        "    if off.size and off.max() > FURTHEST:",
        "    if False:",
        "tests/soilft/sources/test_esa_cci.py",
    ),
    Guard(
        "soilft/sources/ismn_stations.py",
        "_DEPTH_SLACK = 1e-3",
        "_DEPTH_SLACK = 1e-6",
        "tests/soilft/sources/test_ismn_stations.py",
    ),
    Guard(
        "pipelines/stages/train/stage.py",
        "    require_sufficient(work.run)",
        "    pass",
        "tests/pipelines/test_sufficiency.py",
    ),
    Guard(
        "pipelines/stages/ingest/sufficiency.py",
        "        return not (seen & own).any() if own.any() else not seen.any()",
        "        return not seen.any()",
        "tests/pipelines/test_sufficiency.py",
    ),
    Guard(
        "soilft/ingest/sufficiency.py",
        "        there &= ~assumed(values)",
        "        pass",
        "tests/soilft/ingest/test_sufficiency.py",
    ),
    Guard(
        "pipelines/outcomes.py",
        "    return isinstance(future.exception(), KilledWorker)",
        "    return False",
        "tests/pipelines/test_outcomes.py",
    ),
    Guard(
        "pipelines/outcomes.py",
        "            elif time.monotonic() - seen > PATIENCE_SECONDS:",
        "            elif False:",
        "tests/pipelines/test_outcomes.py",
    ),
    Guard(
        "cluster/local.py",
        "_NO_WATCH_OF_THE_LOCK | _CRASHED_WORKERS_RETURN",
        "_NO_WATCH_OF_THE_LOCK",
        "tests/cluster/test_local.py",
    ),
    Guard(
        "pipelines/stages/ingest/units.py",
        "    return replace(task, fatal=frozenset(fatal(client, _read, alone)))",
        "    return task",
        "tests/failure/test_crashing_granule.py",
    ),
    Guard(
        "soilft/ingest/ground.py",
        "            item = _displaced(found, error)",
        "            raise",
        "tests/soilft/ingest/test_ground.py",
    ),
    Guard(
        "soilft/ingest/ground.py",
        "        raise damaged(_culprit(tiles), error) from error",
        "        raise damaged(tiles[0][0].name, error) from error",
        "tests/soilft/ingest/test_ground.py",
    ),
    Guard(
        "soilft/sources/smap.py",
        '    _require_day(extent, match["day"], path)',
        "    pass",
        "tests/soilft/sources/test_smap_refused.py",
    ),
    Guard(
        "soilft/ingest/archive.py",
        "                (left_out if leaves_out(file.url) else unknown).add(file.url)",
        "                unknown.add(file.url)",
        "tests/soilft/ingest/test_archive.py",
    ),
    Guard(
        "soilft/grid.py",
        "        if not 0 < wide <= 180:",
        "        if False:",
        "tests/soilft/test_antimeridian.py",
    ),
    Guard(
        "soilft/geo/tiles.py",
        "        x = x + 360.0 * ((x < middle - 180).astype(int) - (x >= middle + 180))",
        "        pass",
        "tests/soilft/geo/test_antimeridian.py",
    ),
    Guard(
        "soilft/release/lease.py",
        "        with suppress(StoreError, FileNotFoundError):",
        "        with suppress(ZeroDivisionError):",
        "tests/soilft/release/test_lease.py",
    ),
    Guard(
        "soilft/release/publication.py",
        "        _sweep(root)",
        "        pass",
        "tests/soilft/release/test_publication.py",
    ),
    Guard(
        "soilft/store/objects.py",
        "        if of_network and credentials.are_meant_by(error):",
        "        if False:",
        "tests/soilft/store/test_credentials.py",
    ),
    Guard(
        "soilft/store/objects.py",
        "    credentials.refuse_in(url)",
        "    pass",
        "tests/soilft/store/test_credentials.py",
    ),
    Guard(
        "pipelines/config/region_file.py",
        "    _refuse_credentials(values, written, ())",
        "    pass",
        "tests/pipelines/test_as_written.py",
    ),
    Guard(
        "pipelines/cli/served.py",
        "    return most if len(digits) > len(str(max(most, 0))) else min(int(digits), most)",
        "    return min(int(digits), most)",
        "tests/pipelines/test_view.py",
    ),
    Guard(
        "soilft/store/objects.py",
        '    if info.get("size") is None:',
        "    if False:",
        "tests/soilft/sources/test_files.py",
    ),
    Guard(
        "soilft/store/checksums.py",
        "    if found != expected:",
        "    if False:",
        "tests/soilft/store/test_checksums.py",
    ),
    Guard(
        "soilft/store/ledger.py",
        '            self.put(stage, unit, replace(record, key=""))',
        '            self.put(stage, unit, replace(record, key="", chunks={}))',
        "tests/pipelines/test_checked.py",
    ),
    Guard(
        "pipelines/checked.py",
        "        disk.keep(objects.filesystem(root)[1], chunks)",
        "        pass",
        "tests/pipelines/test_checked.py",
    ),
    Guard(
        "pipelines/work.py",
        "(not record.chunks or damaged(self.run.store, record.chunks))",
        "damaged(self.run.store, record.chunks)",
        "tests/pipelines/test_checked.py",
    ),
    Guard(
        "soilft/release/prefix.py",
        '            return bool(sha256(objects.read(url) or b"") == said["sha256"])',
        "            return True",
        "tests/soilft/release/test_copies.py",
    ),
    Guard(
        "soilft/release/inventory.py",
        '        if listed is not None and part.get("list") in (None, list_digest(listed)):',
        "        if listed is not None:",
        "tests/soilft/release/test_copies.py",
    ),
    Guard(
        "soilft/release/prefix.py",
        "        for name in filter(belongs, checksums.known(source) - sizes.keys()):",
        "        for name in ():",
        "tests/soilft/release/test_copies.py",
    ),
    Guard(
        "soilft/store/disk.py",
        "            os.fsync(file.fileno())",
        "            pass",
        "tests/soilft/store/test_checksums.py",
    ),
)
