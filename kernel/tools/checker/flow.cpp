// SPDX-License-Identifier: MPL-2.0
// Leg 4 of the argument: addresses of locals, and pointers lent by a caller, only flow downward.
//
// A pointer expression has a place. HEAP pointers may go anywhere. The others may be dereferenced,
// compared, lent to a `borrowed` parameter, or held in a local variable, which then counts as lent
// itself (taint_compute), or in a field marked `lent` of a stack-only local, which reads as lent.
#include "rules.h"

using namespace clang;

namespace checker {

Place Rules::place_of_lvalue(const Expr *e) const
{
	for (;;) {
		e = strip(e);
		if (auto *m = dyn_cast<MemberExpr>(e)) {
			if (m->isArrow())
				return place_of_pointer(m->getBase());
			e = m->getBase();
		} else if (auto *a = dyn_cast<ArraySubscriptExpr>(e)) {
			if (!strip(a->getBase())->getType()->isArrayType())
				return place_of_pointer(a->getBase());
			e = a->getBase();
		} else if (auto *u = dyn_cast<UnaryOperator>(e); u && u->getOpcode() == UO_Deref) {
			return place_of_pointer(u->getSubExpr());
		} else if (auto *d = dyn_cast<DeclRefExpr>(e)) {
			auto *v = dyn_cast<VarDecl>(d->getDecl());
			return v && v->hasLocalStorage() ? PLACE_LOCAL : PLACE_HEAP;
		} else if (isa<StringLiteral>(e) || isa<PredefinedExpr>(e)) {
			return PLACE_HEAP;
		} else if (auto *c = dyn_cast<CompoundLiteralExpr>(e)) {
			return c->isFileScope() ? PLACE_HEAP : PLACE_LOCAL;
		} else {
			return PLACE_LOCAL; // temporaries and anything unknown
		}
	}
}

Place Rules::place_of_pointer(const Expr *e) const
{
	e = strip(e);
	if (e->getType()->isArrayType())
		return place_of_lvalue(e);
	if (auto *d = dyn_cast<DeclRefExpr>(e)) {
		auto *v = dyn_cast<VarDecl>(d->getDecl());
		if (v && isa<ParmVarDecl>(v) && v->hasAttr<NoEscapeAttr>())
			return PLACE_BORROWED;
		auto found = v ? tainted.find(v) : tainted.end();
		return found != tainted.end() ? found->second : PLACE_HEAP;
	}
	if (auto *m = dyn_cast<MemberExpr>(e)) {
		auto *f = dyn_cast<FieldDecl>(m->getMemberDecl());
		return f && (note(f, "svc.private") || note(f, "svc.lent")) ? PLACE_BORROWED : PLACE_HEAP;
	}
	if (auto *u = dyn_cast<UnaryOperator>(e); u && u->getOpcode() == UO_AddrOf)
		return place_of_lvalue(u->getSubExpr());
	if (auto *c = dyn_cast<ConditionalOperator>(e))
		return std::max(place_of_pointer(c->getTrueExpr()), place_of_pointer(c->getFalseExpr()));
	if (auto *b = dyn_cast<BinaryOperator>(e))
		return place_of_pointer(b->isAdditiveOp() ? b->getLHS() : b->getRHS());
	if (auto *s = dyn_cast<StmtExpr>(e)) {
		auto *body = s->getSubStmt();
		auto *last = body->body_empty() ? nullptr : dyn_cast<Expr>(body->body_back());
		return last ? place_of_pointer(last) : PLACE_HEAP;
	}
	if (auto *c = dyn_cast<CastExpr>(e))
		return place_of_pointer(c->getSubExpr());
	return PLACE_HEAP;
}

const VarDecl *Rules::auto_released(const Expr *e)
{
	auto *d = dyn_cast<DeclRefExpr>(strip(e));
	auto *v = d ? dyn_cast<VarDecl>(d->getDecl()) : nullptr;
	return v && v->hasAttr<CleanupAttr>() ? v : nullptr;
}

namespace {
// The pointer assignments of a function body, to local variables.
struct Assignments : RecursiveASTVisitor<Assignments> {
	std::vector<std::pair<const VarDecl *, const Expr *>> found;
	bool VisitVarDecl(VarDecl *v)
	{
		if (v->hasLocalStorage() && !isa<ParmVarDecl>(v) && v->getInit() && v->getType()->isPointerType())
			found.push_back({v, v->getInit()});
		return true;
	}
	bool VisitBinaryOperator(BinaryOperator *b)
	{
		auto *d = dyn_cast<DeclRefExpr>(b->getLHS()->IgnoreParenImpCasts());
		auto *v = d ? dyn_cast<VarDecl>(d->getDecl()) : nullptr;
		if (b->getOpcode() == BO_Assign && v && v->hasLocalStorage() && v->getType()->isPointerType())
			found.push_back({v, b->getRHS()});
		return true;
	}
};
// Where a body makes pointers to its own frame.
struct FrameAddresses : RecursiveASTVisitor<FrameAddresses> {
	std::vector<const Expr *> found;
	bool shouldVisitImplicitCode() const { return true; }
	bool VisitUnaryOperator(UnaryOperator *u)
	{
		if (u->getOpcode() == UO_AddrOf)
			found.push_back(u);
		return true;
	}
	bool VisitCastExpr(CastExpr *c)
	{
		if (c->getCastKind() == CK_ArrayToPointerDecay)
			found.push_back(c);
		return true;
	}
};
} // namespace

void Rules::taint_compute(const Stmt *body)
{
	tainted.clear();
	Assignments assignments;
	assignments.TraverseStmt(const_cast<Stmt *>(body));
	for (bool changed = true; changed;) {
		changed = false;
		for (auto &[variable, value] : assignments.found) {
			Place place = place_of_pointer(value);
			auto [entry, inserted] = tainted.try_emplace(variable, PLACE_HEAP);
			if (place > entry->second) {
				entry->second = place;
				changed = true;
			}
		}
	}
}

// A function that returns a view makes no view of its own frame: nothing in it takes the address of a
// local, other than to lend a stack-only local, which cannot be viewed.
void Rules::returned_view_check(const FunctionDecl *f)
{
	FrameAddresses addresses;
	addresses.TraverseStmt(f->getBody());
	for (auto *e : addresses.found) {
		const Expr *inner =
			isa<UnaryOperator>(e) ? cast<UnaryOperator>(e)->getSubExpr() : cast<CastExpr>(e)->getSubExpr();
		if (place_of_lvalue(inner) != PLACE_LOCAL)
			continue;
		auto *call = dyn_cast_or_null<CallExpr>(parent_of(e));
		if (call && is_stack_only(inner->getType()) && argument_is_borrowed(call, e))
			continue;
		// An array that is only subscripted makes no pointer.
		if (isa<CastExpr>(e) && isa_and_nonnull<ArraySubscriptExpr>(parent_of(e)))
			continue;
		report(e->getExprLoc(), "stackonly",
			"a function that returns a span or other stack-only value takes no address of its own locals");
	}
}

bool Rules::initialises_lent_field(const InitListExpr *list, const Stmt *value)
{
	if (auto *semantic = list->getSemanticForm())
		list = semantic;
	auto *r = list->getType()->getAsRecordDecl();
	if (!r || !is_stack_only(list->getType()))
		return false;
	for (auto *f : r->fields())
		if (f->getFieldIndex() < list->getNumInits() &&
			strip(list->getInit(f->getFieldIndex())) == strip(cast<Expr>(value)))
			return note(f, "svc.lent");
	return false;
}

bool Rules::flow_allowed(const Expr *e, const Stmt *inner, const Stmt *user)
{
	if (!user) // an initialiser: taint_compute follows it; static storage is refused by type rules
		return variable_initialised_by(inner) && variable_initialised_by(inner)->hasLocalStorage();
	if (isa<MemberExpr>(user) || isa<ArraySubscriptExpr>(user) || isa<IfStmt>(user) || isa<WhileStmt>(user) ||
	    isa<ForStmt>(user) || isa<DoStmt>(user) || isa<UnaryExprOrTypeTraitExpr>(user) || isa<CompoundStmt>(user))
		return true;
	if (auto *d = dyn_cast<DeclStmt>(user))
		return d->isSingleDecl() && cast<VarDecl>(d->getSingleDecl())->hasLocalStorage();
	if (auto *u = dyn_cast<UnaryOperator>(user))
		return u->getOpcode() == UO_Deref || u->getOpcode() == UO_LNot;
	if (auto *c = dyn_cast<ConditionalOperator>(user))
		return strip(c->getCond()) == strip(e);
	if (auto *b = dyn_cast<BinaryOperator>(user)) {
		if (b->isComparisonOp() || b->isLogicalOp())
			return true;
		if (b->getOpcode() != BO_Assign)
			return b->getOpcode() == BO_Comma;
		auto *left = strip(b->getLHS());
		if (auto *d = dyn_cast<DeclRefExpr>(left)) { // a local pointer: tainted from now on
			auto *v = dyn_cast<VarDecl>(d->getDecl());
			return v && v->hasLocalStorage();
		}
		auto *m = dyn_cast<MemberExpr>(left);
		return m && note(m->getMemberDecl(), "svc.lent") && place_of_lvalue(m) == PLACE_LOCAL;
	}
	if (isa<DesignatedInitExpr>(user))
		user = parent_of(user);
	if (auto *list = dyn_cast_or_null<InitListExpr>(user))
		return initialises_lent_field(list, inner);
	if (auto *conversion = dyn_cast_or_null<CStyleCastExpr>(user))
		return conversion->getType()->isVoidType();
	if (auto *call = dyn_cast_or_null<CallExpr>(user)) {
		auto *callee = call->getDirectCallee();
		return (callee && callee->getBuiltinID()) || argument_is_borrowed(call, cast<Expr>(inner));
	}
	return false;
}

// `e` is a pointer value: if it is not free, its use must be one that keeps it in this call.
void Rules::flow_check(const Expr *e, SourceLocation where)
{
	Place place = place_of_pointer(e);
	if (place == PLACE_HEAP)
		return;
	const Stmt *inner = e, *user = parent_of(inner);
	while (user &&
		((isa<ConditionalOperator>(user) &&
			 strip(cast<ConditionalOperator>(user)->getCond()) != strip(cast<Expr>(inner))) ||
			isa<StmtExpr>(user))) {
		inner = user;
		user = parent_of(inner);
	}
	if (flow_allowed(e, inner, user))
		return;
	report(where, place == PLACE_LOCAL ? "addrlocal" : "borrow",
		place == PLACE_LOCAL
			? "the address of a local may only be lent to a borrowed parameter"
			: "a borrowed pointer may not be stored, returned or passed to a parameter that is not "
			"borrowed");
}

} // namespace checker
