FROM node:24-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No package of the production processes needs its install script.
RUN npm ci --omit=dev --ignore-scripts

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY src ./src
USER node
# Where a worker answers about its health.
ENV WORKER_PORT=9464
EXPOSE 3000 9464
# What `npm run api` runs (worker and migrate: see docker-compose.yml), without npm in between: not every version of it
# passes SIGTERM on, and the process would be killed in the middle of its work instead of finishing it.
CMD ["node", "--max-old-space-size=512", "src/api/server.ts"]
