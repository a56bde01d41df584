//! Bad input at every way into the system, as tables: what is sent, and what must be answered, word by word.
//!
//! Each entry point has a file here with its runner, and a table in `cases`. A runner starts the real thing, sends every case,
//! compares the answer, and then checks that no event was written, that no process logged an error, and that valid input is
//! still accepted. [`table`] has the format, [`class`] what can be wrong with an input, and [`text`] how the tables write bytes
//! that cannot be written.

mod class;
mod config;
mod coverage;
mod cursor;
mod event_stream;
mod grpc;
mod http;
mod jwks;
mod jwt;
mod names;
mod protoscope;
mod run;
mod table;
mod text;
mod webhook;
mod websocket;
mod wire;
