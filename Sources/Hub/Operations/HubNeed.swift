package import HTTP

/// One right that a request takes: any one of some actions, on a resource.
package struct HubNeed: Sendable, Equatable {
    package let sufficient: HubActions
    package let resource: HubResource
    package let notes: HubOperationRow.Notes

    package init(_ sufficient: HubActions, _ resource: HubResource, _ notes: HubOperationRow.Notes = []) {
        self.sufficient = sufficient
        self.resource = resource
        self.notes = notes
    }

    package init(_ action: HubAction, _ resource: HubResource) {
        self.init(HubActions(action), resource)
    }

    /// The action that a refusal names: the first of them.
    package var action: HubAction { sufficient.elements.first ?? .other }
}

extension HubOperation {
    /// The right that method and target take. Where the body names the resource it tells only the action.
    package var need: HubNeed { HubNeed(sufficient, resource, notes) }

    /// All rights that the request takes, with those from its body. The Hub has to read the body as this does, so the body's type and
    /// coding count, too. `account` is the owner of the token, where it is known.
    /// Throws `unsupportedMediaType`, `payloadTooLarge`, and `badRequest` with the member that is wrong.
    package func needs(_ headers: Headers, _ bytes: [UInt8], account: String? = nil) throws(Failure) -> [HubNeed] {
        guard let body else { return [need] }
        let found: [HubNeed] =
            switch body {
            case .bucketBatch: [need] + (try CopiedSources.needs(headers, bytes))
            case .model: try modelNeeds(headers, bytes)
            default: try needs(try JudgedBody(headers, bytes, as: body), as: body)
            }
        return found.map { HubNeed($0.sufficient, $0.resource.resolved(account: account), $0.notes) }
    }

    private func needs(_ members: JudgedBody, as body: HubBody) throws(Failure) -> [HubNeed] {
        switch body {
        case .lfsBatch:
            return [HubNeed(try members.lfsOperation(), resource)]
        case .create:
            let made = try members.named()
            return [HubNeed(.create, made)] + (try members.publishing(made, unlessPrivate: true))
                + (try members.spending(made)) + (try members.mounted())
        case .duplicate:
            let made = try members.fullName("repository", resource.kind ?? .model)
            return [need, HubNeed(.create, made)] + (try members.publishing(made, unlessPrivate: true))
                + (try members.spending(made)) + (try members.mounted())
        case .delete:
            return [HubNeed(.delete, try members.named())]
        case .move:
            let kind = try members.kind("type")
            return [
                HubNeed(.move, try members.fullName("fromRepo", kind)),
                HubNeed(.move, try members.fullName("toRepo", kind)),
            ]
        case .settings, .collectionUpdate:
            return [need] + (try members.publishing(resource, unlessPrivate: false))
        case .bucketCreate:
            return [need] + (try members.publishing(resource, unlessPrivate: true))
        case .lfsDuplicate:
            let target = try members.object("target")
            return [need, HubNeed(.write, try target.fullName("name", try target.kind("type")))]
        case .collection:
            let made = try members.collectionOwner()
            return [HubNeed(.account, made)] + (try members.publishing(made, unlessPrivate: true))
        case .volumes:
            return [need] + (try members.mounted())
        case .job:
            return [need] + (try members.jobNeeds(resource))
        case .bucketBatch, .model:
            return [need]
        }
    }

    /// The path's model where that counts, and the body's where there is one. Rights to both are needed: it is unknown which of them the provider
    /// takes.
    private func modelNeeds(_ headers: Headers, _ bytes: [UInt8]) throws(Failure) -> [HubNeed] {
        let named = resource.form == .model ? [need] : []
        // A body without a model names none that a rule could match: a file to transcribe, a response that is asked for again.
        guard !bytes.isEmpty, JudgedBody.isJSON(headers) || JudgedBody.looksLikeObject(bytes) else {
            return named.isEmpty ? [HubNeed(.infer, HubResource(model: ""))] : named
        }
        guard let model = try JudgedBody(headers, bytes, as: .model).optionalString("model") else {
            return named.isEmpty ? [HubNeed(.infer, HubResource(model: ""))] : named
        }
        return named + [
            HubNeed(
                .infer, InferencePath.isPlainModel(model.utf8.span) ? HubResource(model: model) : HubResource(model: "")
            )
        ]
    }
}
