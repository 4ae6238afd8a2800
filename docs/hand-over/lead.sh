#!/usr/bin/env bash
# Hands one lead over with curl. Prints what Leadrail answers.
set -euo pipefail

curl --silent --show-error --fail-with-body \
    --retry 8 --retry-all-errors --retry-max-time 60 \
    --header "Authorization: Bearer $LEADS_KEY" \
    --header "Content-Type: application/json" \
    --data-binary @lead.json \
    "$LEADS_ADDRESS/v1/leads"
