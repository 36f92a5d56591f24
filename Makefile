UV ?= uv
RUN = $(UV) run --frozen

.PHONY: setup demo test check fmt schemas bench
setup:            ## install the locked dependencies into .venv
	@command -v $(UV) >/dev/null || python3 -m pip install --quiet uv
	$(UV) sync --frozen --quiet

demo: setup       ## the main job, on real control planes
	$(RUN) python -m bench.demo

test: setup       ## every test
	$(RUN) pytest

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
	$(RUN) python -m bench
