//! HTTP edge, token issuer, data plane, configuration and wiring.
