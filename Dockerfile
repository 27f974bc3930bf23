# One image for planner, worker and validator; the argument says which:
#
#   docker build -t floodgate .
#   docker run --env-file planner.env floodgate planner
#
# Nothing is compiled: Node runs the TypeScript as it stands. test/e2e/image.test.ts runs these steps in a folder and starts the
# three services there; it knows FROM, WORKDIR, COPY, RUN, ENV, USER, EXPOSE, ENTRYPOINT and CMD,
# one instruction a line.

# ── dependencies: only those of the services, so that neither DuckDB nor anything of development is in the image ──────────────
FROM node:24.21.0-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
COPY cli/package.json cli/
COPY packages packages
COPY services services
COPY pipelines pipelines
# What tests of a workspace need is left out by this; --omit=dev leaves it in where another workspace has it as its own.
RUN npm pkg delete devDependencies --workspaces
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund --workspace=services/planner --workspace=services/worker --workspace=services/validator

# ── the image ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────
FROM node:24.21.0-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json ./
COPY packages/core packages/core
COPY packages/gcp packages/gcp
COPY packages/http packages/http
COPY packages/sql packages/sql
COPY packages/system packages/system
COPY services services
COPY pipelines pipelines
# Of the image node: an account that may do nothing. Nothing is written beneath /app.
USER node
EXPOSE 8080
# `exec`, so that node is process 1 and gets SIGTERM itself.
ENTRYPOINT ["sh", "-c", "exec node services/\"$0\"/src/main.ts"]
CMD ["planner"]
