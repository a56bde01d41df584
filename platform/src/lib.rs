//! What every service needs: settings, telemetry, health, listeners, shutdown.
