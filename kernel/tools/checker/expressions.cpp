// SPDX-License-Identifier: MPL-2.0
// Rules on statements and expressions: conversions, subscripts, arithmetic, copies, control flow.
#include "rules.h"

using namespace clang;

namespace checker {

bool Rules::VisitGCCAsmStmt(GCCAsmStmt *s)
{
	if (!trusted(s->getAsmLoc()))
		report(s->getAsmLoc(), "asm", "inline assembly");
	return true;
}

bool Rules::VisitGotoStmt(GotoStmt *s)
{
	report(s->getGotoLoc(), "goto", "goto can bypass an initialisation; use auto-released variables and guards");
	return true;
}

bool Rules::VisitIndirectGotoStmt(IndirectGotoStmt *s)
{
	report(s->getGotoLoc(), "goto", "computed goto");
	return true;
}

bool Rules::VisitAddrLabelExpr(AddrLabelExpr *s)
{
	report(s->getAmpAmpLoc(), "goto", "address of a label");
	return true;
}

bool Rules::VisitSwitchStmt(SwitchStmt *s)
{
	if (auto *body = dyn_cast<CompoundStmt>(s->getBody()))
		for (auto *inner : body->body()) {
			const Stmt *statement = inner;
			while (auto *label = dyn_cast<SwitchCase>(statement))
				statement = label->getSubStmt();
			if (isa<DeclStmt>(statement))
				report(statement->getBeginLoc(), "switch",
					"a declaration in a switch body bypasses its initialisation; use a "
					"nested block");
		}
	return true;
}

bool Rules::VisitVAArgExpr(VAArgExpr *e)
{
	report(e->getBuiltinLoc(), "varargs", "va_arg");
	return true;
}

bool Rules::VisitAtomicExpr(AtomicExpr *e)
{
	if (!trusted(e->getBuiltinLoc()))
		report(e->getBuiltinLoc(), "builtin", "atomic builtin; use <core/atomic.h>");
	return true;
}

bool Rules::VisitReturnStmt(ReturnStmt *r)
{
	auto *value = r->getRetValue();
	if (value && !trusted(r->getReturnLoc()) && auto_released(value) && value->getType()->isPointerType())
		report(r->getReturnLoc(), "escape", "an auto-released reference is returned without take()");
	return true;
}

void Rules::pointer_cast_check(CastExpr *c, SourceLocation where)
{
	QualType from = c->getSubExpr()->getType(), to = c->getType();
	if (c->getCastKind() == CK_BitCast && isa<ImplicitCastExpr>(c) && is_abi_only_argument(c))
		return;
	if (from->isFunctionPointerType() && to->isFunctionPointerType() && isa<ImplicitCastExpr>(c))
		report(where, "cast",
			"the functions' types differ; is a parameter `borrowed` in one and not in the other?");
	else
		report(where, "cast", "'" + from.getAsString() + "' to '" + to.getAsString() + "' reinterprets memory");
}

// An array used as a pointer: it may be lent; and char arrays other than literals have no end mark.
void Rules::decay_check(CastExpr *c, SourceLocation where)
{
	flow_check(c, where);
	auto *array = strip(c->getSubExpr());
	QualType element = c->getType()->getPointeeType().getCanonicalType().getUnqualifiedType();
	if (element == context.CharTy && !isa<StringLiteral>(array) && !isa<PredefinedExpr>(array) &&
	    !isa_and_nonnull<ArraySubscriptExpr>(parent_of(c)))
		report(where, "chars", "a char array may lack its end mark; use u8 arrays and spans");
}

// Objects of the core's types stand where they were made: a copy would carry private state along.
void Rules::copy_check(const Expr *e, SourceLocation where)
{
	if (e->getType()->isRecordType() && holds_private_fields(e->getType()) && !is_stack_only(e->getType()))
		report(where, "copy",
			"'" + e->getType().getAsString() +
				"' has fields private to the core and cannot be copied or overwritten");
}

bool Rules::VisitCastExpr(CastExpr *c)
{
	SourceLocation where = c->getExprLoc();
	if (auto *explicit_cast = dyn_cast<CStyleCastExpr>(c))
		where = explicit_cast->getLParenLoc();
	if (trusted(where))
		return true;
	QualType from = c->getSubExpr()->getType(), to = c->getType();
	switch (c->getCastKind()) {
	case CK_IntegralToPointer:
		report(where, "cast", "integer to pointer");
		break;
	case CK_PointerToIntegral:
		report(where, "cast", "pointer to integer");
		break;
	case CK_AddressSpaceConversion:
		report(where, "cast", "address space conversion");
		break;
	case CK_BitCast:
	case CK_LValueBitCast:
	case CK_LValueToRValueBitCast:
		pointer_cast_check(c, where);
		break;
	case CK_NoOp:
		if (from->isPointerType() && to->isPointerType() &&
			!to->getPointeeType().isAtLeastAsQualifiedAs(from->getPointeeType()))
			report(where, "cast", "cast drops qualifiers");
		break;
	case CK_ArrayToPointerDecay:
		decay_check(c, where);
		break;
	case CK_LValueToRValue:
		if (to->isPointerType())
			flow_check(c, where);
		copy_check(c, where);
		break;
	default:
		break;
	}
	return true;
}

bool Rules::VisitArraySubscriptExpr(ArraySubscriptExpr *a)
{
	if (trusted(a->getRBracketLoc()))
		return true;
	auto *base = strip(a->getBase());
	auto *array = context.getAsArrayType(base->getType());
	bool bounded = array && isa<ConstantArrayType>(array);
	if (array && isa<IncompleteArrayType>(array))
		if (auto *m = dyn_cast<MemberExpr>(base))
			bounded = m->getMemberDecl()->getType()->isCountAttributedType();
	if (array && isa<IncompleteArrayType>(array))
		if (auto *d = dyn_cast<DeclRefExpr>(base))
			report(a->getRBracketLoc(), "index",
				"declare '" + d->getDecl()->getNameAsString() + "' with its size");
	if (!bounded && !isa<DeclRefExpr>(base))
		report(a->getRBracketLoc(), "index", "subscript on a pointer without a known bound; use a span");
	else if (!bounded && !array)
		report(a->getRBracketLoc(), "index", "subscript on a pointer without a known bound; use a span");
	// -fsanitize=array-bounds lets &a[n] pass.
	auto parents = context.getParents(*a);
	const Stmt *user = parents.empty() ? nullptr : parents[0].get<Stmt>();
	while (user && isa<ParenExpr>(user)) {
		parents = context.getParents(*user);
		user = parents.empty() ? nullptr : parents[0].get<Stmt>();
	}
	auto *decay = dyn_cast_or_null<ImplicitCastExpr>(user);
	auto *unary = dyn_cast_or_null<UnaryOperator>(user);
	if ((unary && unary->getOpcode() == UO_AddrOf) ||
		(decay && decay->getCastKind() == CK_ArrayToPointerDecay &&
			!isa_and_nonnull<ArraySubscriptExpr>(parent_of(decay))))
		report(a->getRBracketLoc(), "oneend",
			"address of an array element: array_ptr() also rejects one past the end");
	return true;
}

bool Rules::VisitBinaryOperator(BinaryOperator *b)
{
	if (trusted(b->getOperatorLoc()))
		return true;
	bool pointers = b->getLHS()->getType()->isPointerType() || b->getRHS()->getType()->isPointerType();
	if (pointers && (b->isAdditiveOp() || b->isCompoundAssignmentOp()))
		report(b->getOperatorLoc(), "arith", "pointer arithmetic");
	if (pointers && b->isRelationalOp())
		report(b->getOperatorLoc(), "ptrcmp", "ordering of pointers");
	if (!b->isAssignmentOp())
		return true;
	auto *left = strip(b->getLHS());
	if (auto_released(b->getRHS()) && !isa<DeclRefExpr>(left))
		report(b->getOperatorLoc(), "escape", "an auto-released reference is stored without take()");
	if (is_stack_only(b->getType()) && place_of_lvalue(left) != PLACE_LOCAL)
		report(b->getOperatorLoc(), "stackonly", "a stack-only value is stored through a pointer");
	copy_check(left, b->getOperatorLoc());
	guard_base_change_check(left, b->getOperatorLoc());
	return true;
}

bool Rules::VisitUnaryOperator(UnaryOperator *u)
{
	if (trusted(u->getOperatorLoc()))
		return true;
	if (u->isIncrementDecrementOp() && u->getType()->isPointerType())
		report(u->getOperatorLoc(), "arith", "pointer arithmetic");
	if (u->getOpcode() != UO_AddrOf)
		return true;
	flow_check(u, u->getOperatorLoc());
	auto *target = dyn_cast<DeclRefExpr>(strip(u->getSubExpr()));
	auto *v = target ? dyn_cast<VarDecl>(target->getDecl()) : nullptr;
	auto held = v ? tainted.find(v) : tainted.end();
	if (held != tainted.end() && held->second != PLACE_HEAP && !v->hasAttr<CleanupAttr>())
		report(u->getOperatorLoc(), "borrow",
			"the address of a variable that holds a lent pointer would let the callee keep it");
	if (u->getSubExpr()->getType().getCanonicalType().getUnqualifiedType() == context.CharTy)
		report(u->getOperatorLoc(), "chars", "a pointer to a char may lack its end mark; use u8");
	return true;
}

bool Rules::VisitInitListExpr(InitListExpr *i)
{
	if (i->getLBraceLoc().isInvalid() || trusted(i->getLBraceLoc()) ||
		(i->isSyntacticForm() && i->getSemanticForm()))
		return true;
	auto *r = i->getType()->getAsRecordDecl();
	if (!r || r->isUnion())
		return true;
	for (auto *f : r->fields()) {
		if (f->getFieldIndex() >= i->getNumInits() || !note(f, "svc.private"))
			continue;
		auto *value = i->getInit(f->getFieldIndex());
		if (isa<ImplicitValueInitExpr>(value) || isa<IntegerLiteral>(strip(value)) ||
			isa<InitListExpr>(value) || trusted(value->getBeginLoc()))
			continue;
		report(i->getLBraceLoc(), "private",
			"'" + r->getName().str() + "' is private to the core and not built field by field");
		break;
	}
	return true;
}

bool Rules::VisitCompoundLiteralExpr(CompoundLiteralExpr *e)
{
	if (!trusted(e->getLParenLoc()) && e->isFileScope() && !e->getType().isConstQualified())
		report(e->getLParenLoc(), "global", "a mutable unnamed global");
	return true;
}

bool Rules::VisitDeclRefExpr(DeclRefExpr *d)
{
	auto *target = d->getDecl();
	if (trusted(d->getLocation()) || !trusted(target->getLocation()) || !target->getDeclName().isIdentifier())
		return true;
	if (target->getName().starts_with("__") && !target->getName().starts_with("__builtin") &&
		!isa<ParmVarDecl>(target))
		report(d->getLocation(), "reserved", "'" + target->getName().str() + "' is internal to the core");
	return true;
}

} // namespace checker
