//! The functions that a piece of shell code defines.

use brush_parser::ast;

/// Every function definition in a list, wherever it stands; a function's own body too.
pub(super) fn definitions<'l>(list: &'l ast::CompoundList, found: &mut Vec<&'l ast::FunctionDefinition>) {
    for item in &list.0 {
        let pipelines = std::iter::once(&item.0.first).chain(item.0.additional.iter().map(|next| match next {
            ast::AndOr::And(pipeline) | ast::AndOr::Or(pipeline) => pipeline,
        }));
        for command in pipelines.flat_map(|pipeline| &pipeline.seq) {
            match command {
                ast::Command::Compound(compound, _) => compound_definitions(compound, found),
                ast::Command::Function(function) => {
                    found.push(function);
                    compound_definitions(&function.body.0, found);
                }
                ast::Command::Simple(_) | ast::Command::ExtendedTest(..) => {}
            }
        }
    }
}

fn compound_definitions<'l>(compound: &'l ast::CompoundCommand, found: &mut Vec<&'l ast::FunctionDefinition>) {
    match compound {
        ast::CompoundCommand::Arithmetic(_) => {}
        ast::CompoundCommand::ArithmeticForClause(clause) => definitions(&clause.body.list, found),
        ast::CompoundCommand::BraceGroup(group) => definitions(&group.list, found),
        ast::CompoundCommand::Subshell(subshell) => definitions(&subshell.list, found),
        ast::CompoundCommand::ForClause(clause) => definitions(&clause.body.list, found),
        ast::CompoundCommand::CaseClause(clause) => {
            for list in clause.cases.iter().filter_map(|case| case.cmd.as_ref()) {
                definitions(list, found);
            }
        }
        ast::CompoundCommand::IfClause(clause) => {
            definitions(&clause.condition, found);
            definitions(&clause.then, found);
            for branch in clause.elses.iter().flatten() {
                definitions(&branch.body, found);
            }
        }
        ast::CompoundCommand::WhileClause(clause) | ast::CompoundCommand::UntilClause(clause) => {
            definitions(&clause.0, found);
            definitions(&clause.1.list, found);
        }
        ast::CompoundCommand::Coprocess(_) => {}
    }
}
