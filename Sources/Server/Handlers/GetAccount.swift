internal import Hub

/// GET /api/account: the Hub's whoami, held for some seconds.
struct GetAccount: Responder {
    let account: AccountHold

    func respond(to request: Request, _ context: RequestContext) async throws(Failure) -> Response {
        let json = try await account.whoAmI(context)
        return Response(.ok, headers: ["Content-Type": "application/json", "Cache-Control": "no-store"], body: json)
    }
}
