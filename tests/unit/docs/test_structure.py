"""No module imports another that imports it again, by whatever way and wherever the import stands."""

from graphlib import TopologicalSorter

import grimp

PACKAGES = ("coinsphere", "ml", "expectations", "orchestration", "webapi", "webui")


def test_no_module_is_in_a_circle_of_imports():
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    # `python -m coinsphere.worker` imports itself under its own name: as `__main__` it is another module.
    imports = {
        module: graph.find_modules_directly_imported_by(module) - {module}
        for module in graph.modules
    }
    assert len(imports) > 500
    TopologicalSorter(imports).prepare()  # raises CycleError, which names the circle
