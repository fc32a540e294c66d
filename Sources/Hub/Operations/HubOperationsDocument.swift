import HTTP

/// docs/operations.md, printed from the table.
package enum HubOperationsDocument {
    package static let text = introduction + HubOperationsTable.groups.map(section).joined() + actions

    private static let introduction = """
        # What each request does

        Printed by `hubgate --print-docs operations` from the table in `Sources/Hub/Operations/HubOperationsTable.swift`. It says which action a
        request takes, and on what: the words of a key's rules.

        `{T}` is one of models, datasets, spaces and kernels. `{id}` is owner/name; in a row that only reads also name alone, for old models
        and datasets. `{rev}` and `{path}` are percent-encoded as clients send them. `[x]` may be missing. HEAD is as GET. The longest
        pattern wins. What is in no row is `other`; what could be read as another path than it says, such as `/API/models` or `/api//models`, is
        refused.

        """

    private static func section(_ group: HubOperationsTable.Group) -> String {
        let head = """

            ## \(group.title)

            | Method | Path | Action | Resource | Note |
            |---|---|---|---|---|

            """
        return head
            + group.rows.map { row in
                let methods = row.methods.map(\.rawValue).joined(separator: " ")
                return "| \(methods) | `\(row.path)` | \(row.action) | \(row.resource) | \(note(row)) |\n"
            }.joined()
    }

    private static func note(_ row: HubOperationRow) -> String {
        var notes: [String] = []
        if row.origin == .router { notes.append("at the router of inference") }
        if row.notes.contains(.pullRequest) { notes.append("with `?create_pr=1` discuss is enough") }
        if row.notes.contains(.discussSuffices) { notes.append("discuss is enough") }
        if let body = row.body { notes.append(body.remark) }
        if !row.remark.isEmpty { notes.append(row.remark) }
        return notes.joined(separator: "; ")
    }

    private static let actions = """

        ## Actions

        | Action | Meaning |
        |---|---|
        | read | contents and metadata of a repository |
        | search | lists, tags, papers, documents |
        | account | what belongs to the owner of the token: settings, webhooks, likes, collections, notifications |
        | infer | asking a model, which costs money |
        | write | commits, branches, tags, uploads |
        | discuss | pull requests, discussions, comments |
        | create, delete, move | repositories and buckets; move is asked for both names |
        | settings | gates, secrets, variables, access requests |
        | publish | whatever makes something public, beside create or settings; every gate but a manual one |
        | spend | jobs, hardware, storage: what costs money |
        | other | what this table does not know |

        """
}
