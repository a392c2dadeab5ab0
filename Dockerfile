# Bursar in a container: the program, certificates, nothing else; as a user that owns nothing but its data.
FROM rust:1.95-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends cmake musl-tools && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# `aws` adds DynamoDB and Lambda. Line tables are left out: half of the image would be theirs.
ARG FEATURES=aws
# Wholly static, so that the image needs no libraries. Rust and C have the same names for a machine but for the vendor.
RUN target="$(uname -m)-unknown-linux-musl" && rustup target add "$target" \
    && cargo build --release --locked --package bursar --features "$FEATURES" --target "$target" \
    && strip --strip-all -o /bursar "target/$target/release/bursar" && mkdir /data

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /bursar /usr/local/bin/bursar
COPY --from=build --chown=nonroot:nonroot /data /data
USER nonroot
WORKDIR /data
VOLUME /data
ENV BURSAR_LISTEN=0.0.0.0:8420 BURSAR_STORE=sqlite:/data/bursar.db
EXPOSE 8420
# It finishes what was begun within 25 seconds of SIGTERM: give it as many (`docker stop --time 30`).
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/bursar"]
CMD ["serve"]
