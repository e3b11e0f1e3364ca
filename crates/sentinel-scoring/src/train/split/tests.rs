//! Splits against a naive search.
