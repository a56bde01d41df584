//! Tests of documents that name code.

mod glossary_tests;
mod tutorial_tests;
