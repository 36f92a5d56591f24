# uv does the rest. Where it is missing, or is a shim that leads nowhere, a private copy is put into .uv/.
UV ?= $(shell uv --version >/dev/null 2>&1 && echo uv || echo .uv/bin/uv)
RUN = $(UV) run --frozen

.PHONY: setup demo test check fmt schemas bench
setup: $(filter .uv/bin/uv,$(UV))  ## install the locked dependencies into .venv
	@$(UV) sync --frozen --quiet

.uv/bin/uv:
	@for python in python3.11 /usr/bin/python3.11 python3 /usr/bin/python3; do \
	  $$python -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	  $$python -m venv .uv && echo '*' >.uv/.gitignore && .uv/bin/python -m pip install --quiet 'uv>=0.5' && exit; \
	done; \
	echo 'Python 3.11 or later is needed, with its venv module (Debian: python3-venv), or uv on the PATH.' >&2; \
	rm -rf .uv; exit 1

demo: setup       ## the main job, on simulated clusters; DEMO=--once ends by itself
	@$(RUN) python -m demo $(DEMO)

# The tests start hundreds of processes: bytecode is kept, whatever the environment says.
test: export PYTHONDONTWRITEBYTECODE =
test: setup       ## every test, those of the controller on real control planes and on simulated clusters
	$(RUN) pytest -q -n 2 tests/unit
	$(RUN) pytest -q -n 2 --dist loadfile --ignore=tests/unit
	$(RUN) pytest -q --cluster=sim -n 6 --dist load --maxschedchunk 1 tests/cluster --ignore-glob='tests/cluster/test_rig*.py' \
	  --ignore=tests/cluster/sim

check: setup      ## format, lint, types, layers, schemas
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy
	$(RUN) lint-imports
	$(RUN) python -m schemas.generate --check

fmt: setup        ## format, and fix what ruff can fix
	$(RUN) ruff format .
	$(RUN) ruff check --fix .

schemas: setup    ## JSON Schemas of what people write, from gitops.model
	$(RUN) python -m schemas.generate

bench: setup      ## benchmarks, as JSON
	@$(RUN) python -m bench
