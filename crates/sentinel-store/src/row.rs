//! How rows are written, selected and read, for every table.
//!
//! Promises that a value that does not fit its column's meaning is a damaged row, not a default. Must
//! never put a value into the text of a statement: values are bound, only names and numbers of
//! parameters are written.

use sentinel_domain::{ContentHash, Instant};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments as _, AssertSqlSafe, Row as _, Sqlite, SqliteConnection, SqlitePool};

use crate::error::StoreError;

/// A statement under construction.
pub(crate) type Query = sqlx::query::Query<'static, Sqlite, SqliteArguments>;

/// Rows of one INSERT. Fifty cost a fifth of single rows; five hundred gain nothing more.
const ROWS_PER_STATEMENT: usize = 50;

/// Inserts rows, several a statement; a row whose key is there already is left as it is.
pub(crate) async fn insert<T>(
    connection: &mut SqliteConnection,
    table: &str,
    columns: &[&str],
    rows: &[T],
    bind: fn(Query, &T) -> Query,
) -> Result<(), sqlx::Error> {
    for chunk in rows.chunks(ROWS_PER_STATEMENT) {
        let text = insert_text(table, columns, chunk.len());
        // Only the full size recurs; the rest would push useful statements out of the cache.
        let full = chunk.len() == ROWS_PER_STATEMENT;
        let query = sqlx::query(AssertSqlSafe(text)).persistent(full);
        let query = chunk.iter().fold(query, bind);
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

/// `INSERT INTO t (a, b) VALUES (?, ?), (?, ?) ON CONFLICT DO NOTHING`.
///
/// The one place without `$n`: SQLite looks a named parameter up in a list, so a thousand of them cost a
/// million steps, which was half the time of a commit. PostgreSQL takes such rows as arrays anyway.
fn insert_text(table: &str, columns: &[&str], rows: usize) -> String {
    let tuple = format!("({})", vec!["?"; columns.len()].join(", "));
    let tuples = vec![tuple; rows].join(", ");
    let names = columns.join(", ");
    format!("INSERT INTO {table} ({names}) VALUES {tuples} ON CONFLICT DO NOTHING")
}

/// `($3, $4, $5)` for `first` 3 and `count` 3.
pub(crate) fn parameters(first: usize, count: usize) -> String {
    let names: Vec<String> = (first..first + count).map(|n| format!("${n}")).collect();
    format!("({})", names.join(", "))
}

/// A SELECT whose conditions are added one by one.
pub(crate) struct Select {
    text: String,
    arguments: SqliteArguments,
}

impl Select {
    /// Starts with the columns of a table.
    pub(crate) fn from(table: &str, columns: &[&str]) -> Self {
        let text = format!("SELECT {} FROM {table} WHERE 1 = 1", columns.join(", "));
        let arguments = SqliteArguments::default();
        Self { text, arguments }
    }

    /// Adds ` AND <left> $n`, as in `and("tier >=", 3)`.
    pub(crate) fn and_integer(&mut self, left: &str, value: i64) -> Result<(), StoreError> {
        self.add_integer(value)?;
        self.push(&format!(" AND {left} ${}", self.arguments.len()));
        Ok(())
    }

    /// Adds ` AND <column> NOT BETWEEN $n AND $m`.
    pub(crate) fn and_not_between(
        &mut self,
        column: &str,
        from: i64,
        to: i64,
    ) -> Result<(), StoreError> {
        self.and_integer(&format!("{column} NOT BETWEEN"), from)?;
        self.add_integer(to)?;
        self.push(&format!(" AND ${}", self.arguments.len()));
        Ok(())
    }

    /// Adds ` AND <left> $n`, as in `and("account_id =", "a-1")`.
    pub(crate) fn and_text(&mut self, left: &str, value: &str) -> Result<(), StoreError> {
        self.add_text(value)?;
        self.push(&format!(" AND {left} ${}", self.arguments.len()));
        Ok(())
    }

    /// Adds the order of a page, newest first, its beginning and its end.
    pub(crate) fn page(
        &mut self,
        (instant, id): (&str, &str),
        after: Option<(i64, &str)>,
        rows: i64,
    ) -> Result<(), StoreError> {
        if let Some((after_micros, after_id)) = after {
            self.add_integer(after_micros)?;
            self.add_text(after_id)?;
            let key = parameters(self.arguments.len() - 1, 2);
            self.push(&format!(" AND ({instant}, {id}) < {key}"));
        }
        self.push(&format!(" ORDER BY {instant} DESC, {id} DESC"));
        self.limit(rows)
    }

    /// Adds ` LIMIT $n`.
    pub(crate) fn limit(&mut self, rows: i64) -> Result<(), StoreError> {
        self.add_integer(rows)?;
        self.push(&format!(" LIMIT ${}", self.arguments.len()));
        Ok(())
    }

    /// Adds text without values.
    pub(crate) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Runs it and makes something of each row.
    pub(crate) async fn read<T>(
        self,
        pool: &SqlitePool,
        attempt: &'static str,
        decode: fn(&SqliteRow) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let query = sqlx::query_with::<Sqlite, _>(AssertSqlSafe(self.text), self.arguments);
        let rows = query
            .fetch_all(pool)
            .await
            .map_err(StoreError::backend(attempt))?;
        rows.iter().map(decode).collect()
    }

    fn add_integer(&mut self, value: i64) -> Result<(), StoreError> {
        let added = self.arguments.add(value);
        added.map_err(|cause| StoreError::backend("bind a number")(sqlx::Error::Encode(cause)))
    }

    fn add_text(&mut self, value: &str) -> Result<(), StoreError> {
        let added = self.arguments.add(value);
        added.map_err(|cause| StoreError::backend("bind a text")(sqlx::Error::Encode(cause)))
    }
}

/// A stored row, read column by column; whatever does not hold is reported with table and id.
pub(crate) struct Stored<'r> {
    table: &'static str,
    id: String,
    row: &'r SqliteRow,
}

impl<'r> Stored<'r> {
    /// A row of a table whose identifier stands in `id_column`.
    pub(crate) fn new(table: &'static str, id_column: &str, row: &'r SqliteRow) -> Self {
        let id = row.try_get(id_column);
        let id = id.unwrap_or_else(|_| "with an unreadable id".to_owned());
        Self { table, id, row }
    }

    /// This row, damaged.
    pub(crate) fn damaged(&self, what: impl Into<String>) -> StoreError {
        StoreError::damaged(self.table, &self.id, what)
    }

    /// A text column.
    pub(crate) fn text(&self, column: &str) -> Result<String, StoreError> {
        self.column(column)
    }

    /// A text column that may be empty of any value.
    pub(crate) fn optional_text(&self, column: &str) -> Result<Option<String>, StoreError> {
        self.column(column)
    }

    /// A number that fits its type.
    pub(crate) fn integer<T: TryFrom<i64>>(&self, column: &str) -> Result<T, StoreError> {
        let value: i64 = self.column(column)?;
        T::try_from(value).map_err(|_| self.damaged(format!("{column} is {value}")))
    }

    /// An instant.
    pub(crate) fn instant(&self, column: &str) -> Result<Instant, StoreError> {
        self.integer(column).map(Instant::from_micros)
    }

    /// A word of a vocabulary by its code.
    pub(crate) fn word<T>(
        &self,
        column: &str,
        from_code: fn(u8) -> Option<T>,
    ) -> Result<T, StoreError> {
        let code: u8 = self.integer(column)?;
        from_code(code).ok_or_else(|| self.damaged(format!("{column} has no word for {code}")))
    }

    /// A text that means something.
    pub(crate) fn parsed<T>(
        &self,
        column: &str,
        parse: fn(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        let text = self.text(column)?;
        parse(&text).ok_or_else(|| self.damaged(format!("{column} cannot be read: {text:?}")))
    }

    /// Compares the hash that stands in a column with that of the content that was read.
    pub(crate) fn check_hash(&self, column: &str, found: ContentHash) -> Result<(), StoreError> {
        let stored = self.parsed(column, ContentHash::parse)?;
        if stored == found {
            return Ok(());
        }
        let (stored, found) = (stored.abbreviated(), found.abbreviated());
        let what = format!("{column} is {stored}, the content's is {found}");
        Err(self.damaged(what))
    }

    fn column<T>(&self, column: &str) -> Result<T, StoreError>
    where
        T: for<'d> sqlx::Decode<'d, Sqlite> + sqlx::Type<Sqlite>,
    {
        let value = self.row.try_get(column);
        value.map_err(|cause| self.damaged(format!("{column} cannot be read: {cause}")))
    }
}

/// Text that may be absent, as a part of a hash: absent and empty differ.
pub(crate) fn optional_part(text: Option<&str>) -> String {
    text.map_or_else(String::new, |text| format!("={text}"))
}
