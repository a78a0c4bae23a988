//! A transaction that prepares statements when they are first needed, and leaves them to the
//! session.

use super::Session;
use crate::sql::Error;
use std::collections::HashMap;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Statement, Transaction};

/// A transaction.
pub(super) struct Work<'a> {
    transaction: Transaction<'a>,
    statements: &'a mut HashMap<&'static str, Statement>,
}

impl<'a> Work<'a> {
    /// Begins one.
    pub(super) async fn begin(session: &'a mut Session) -> Result<Work<'a>, Error> {
        let Session { client, statements, .. } = session;
        Ok(Work { transaction: client.transaction().await?, statements })
    }

    async fn statement(&mut self, sql: &'static str) -> Result<Statement, Error> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.transaction.prepare(sql).await?;
        self.statements.insert(sql, statement.clone());
        Ok(statement)
    }

    pub(super) async fn execute(
        &mut self,
        sql: &'static str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, Error> {
        let statement = self.statement(sql).await?;
        Ok(self.transaction.execute(&statement, values).await?)
    }

    pub(super) async fn query(
        &mut self,
        sql: &'static str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Error> {
        let statement = self.statement(sql).await?;
        Ok(self.transaction.query(&statement, values).await?)
    }

    /// Commits. The error is the engine's, since what is looked at last may say something about the
    /// batch.
    pub(super) async fn commit(self) -> Result<(), tokio_postgres::Error> {
        self.transaction.commit().await
    }
}
