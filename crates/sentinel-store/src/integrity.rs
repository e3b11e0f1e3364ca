//! Whether the store is whole as a file.
//!
//! Promises to name what SQLite finds wrong with pages, rows and indices: a row that an index lost is found by no
//! question that goes by it. Must never change anything.

use sqlx::Row as _;

use crate::error::StoreError;
use crate::store::Store;

impl Store {
    /// What is wrong with pages and indices, in SQLite's words, the first ten; empty where nothing is. Reads the whole
    /// file.
    pub async fn faults(&self) -> Result<Vec<String>, StoreError> {
        let fault = || StoreError::backend("check the pages and indices of the store");
        let query = sqlx::query("PRAGMA integrity_check(10)");
        let rows = query.fetch_all(self.reader()).await.map_err(fault())?;
        let lines = rows.iter().map(|row| row.try_get::<String, _>(0));
        let lines: Vec<String> = lines.collect::<Result<_, _>>().map_err(fault())?;
        Ok(lines.into_iter().filter(|line| line != "ok").collect())
    }
}
