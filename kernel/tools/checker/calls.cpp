// SPDX-License-Identifier: MPL-2.0
// Rules on calls: builtins, formats, references given up and taken over, objects lent as bytes.
#include "rules.h"
#include "clang/Basic/Builtins.h"
#include "llvm/ADT/StringSet.h"

using namespace clang;

namespace checker {

int Rules::argument_index(const CallExpr *c, const Expr *argument)
{
	for (unsigned i = 0; i < c->getNumArgs(); i++)
		if (c->getArg(i) == argument || strip(c->getArg(i)) == strip(argument))
			return int(i);
	return -1;
}

// Direct calls ask the declaration, indirect ones the function type, which carries `borrowed` too.
bool Rules::argument_is_borrowed(const Stmt *s, const Expr *argument) const
{
	auto *call = dyn_cast_or_null<CallExpr>(s);
	int index = call ? argument_index(call, argument) : -1;
	if (index < 0)
		return false;
	if (auto *f = call->getDirectCallee()) {
		if (unsigned(index) >= f->getNumParams())
			return false;
		for (auto *r : f->redecls())
			if (r->getParamDecl(unsigned(index))->hasAttr<NoEscapeAttr>())
				return true;
		return trusted(call->getExprLoc()) && trusted(f->getLocation());
	}
	auto *pointer = call->getCallee()->getType()->getAs<PointerType>();
	auto *type = pointer ? pointer->getPointeeType()->getAs<FunctionProtoType>() : nullptr;
	return type && unsigned(index) < type->getNumParams() &&
		type->getExtParameterInfo(unsigned(index)).isNoEscape();
}

void Rules::builtin_check(CallExpr *c, const FunctionDecl *f)
{
	static const llvm::StringSet<> allowed = { "__builtin_expect", "__builtin_trap", "__builtin_add_overflow",
		"__builtin_sub_overflow", "__builtin_mul_overflow", "__builtin_ctz", "__builtin_ctzl",
		"__builtin_ctzll", "__builtin_clz", "__builtin_clzl", "__builtin_clzll", "__builtin_popcount",
		"__builtin_popcountl", "__builtin_popcountll", "__builtin_ffs", "__builtin_ffsl", "__builtin_bswap16",
		"__builtin_bswap32", "__builtin_bswap64", "__builtin_constant_p" };
	if (f->getBuiltinID() && !trusted(c->getCallee()->getExprLoc()) && !allowed.contains(f->getName()))
		report(c->getExprLoc(), "builtin", "builtin '" + f->getName().str() + "'");
}

void Rules::format_check(CallExpr *c, const FunctionDecl *f)
{
	if (!f->isVariadic() || f->getBuiltinID())
		return;
	auto *format = f->getAttr<FormatAttr>();
	auto *text = format ? strip(c->getArg(unsigned(format->getFormatIdx()) - 1)) : nullptr;
	if (trusted(text ? text->getExprLoc() : c->getExprLoc()))
		return;
	auto *literal = dyn_cast_or_null<StringLiteral>(text);
	if (!literal)
		report(c->getExprLoc(), "format", "a variadic call needs a literal format");
	else if (literal->getString().contains("%s") || literal->getString().contains("%n") ||
		literal->getString().contains("%p"))
		report(c->getExprLoc(), "format", "no %s, %n or %p: print spans with the text functions");
}

// Is this value a reference that nobody else still holds?
bool Rules::gives_up(const Expr *e) const
{
	e = strip(e);
	if (auto *c = dyn_cast<ConditionalOperator>(e))
		return gives_up(c->getTrueExpr()) && gives_up(c->getFalseExpr());
	if (e->isNullPointerConstant(context, Expr::NPC_ValueDependentIsNotNull))
		return true;
	if (auto *c = dyn_cast<CStyleCastExpr>(e))
		return gives_up(c->getSubExpr());
	if (isa<StmtExpr>(e))
		return trusted(e->getBeginLoc()); // take()
	if (auto *call = dyn_cast<CallExpr>(e))
		return call->getDirectCallee() && note(call->getDirectCallee(), "svc.owned");
	auto *d = dyn_cast<DeclRefExpr>(e);
	return d && note(d->getDecl(), "svc.consumes");
}

void Rules::consumed_check(CallExpr *c, const FunctionDecl *f)
{
	for (unsigned i = 0; i < c->getNumArgs() && i < f->getNumParams(); i++)
		if (note(f->getParamDecl(i), "svc.consumes") && !gives_up(c->getArg(i)))
			report(c->getArg(i)->getExprLoc(), "consume",
				"give up a reference with take(), so that no second copy of it stays behind");
}

// A reference that a function returns must be held by something that will release it.
void Rules::owned_check(CallExpr *c, const FunctionDecl *f)
{
	if (!note(f, "svc.owned"))
		return;
	const Expr *inner = c;
	const Stmt *user = parent_of(inner);
	while (user && isa<ConditionalOperator>(user)) {
		inner = cast<Expr>(user);
		user = parent_of(inner);
	}
	bool ok = false;
	if (auto *v = variable_initialised_by(inner))
		ok = v->hasAttr<CleanupAttr>();
	else if (isa_and_nonnull<ReturnStmt>(user))
		ok = note(function, "svc.owned");
	else if (isa_and_nonnull<InitListExpr>(user))
		ok = true; // a field owns it
	else if (auto *b = dyn_cast_or_null<BinaryOperator>(user); b && b->getOpcode() == BO_Assign)
		ok = !isa<DeclRefExpr>(strip(b->getLHS())) || auto_released(b->getLHS());
	else if (auto *call = dyn_cast_or_null<CallExpr>(user); call && call->getDirectCallee()) {
		auto *taker = call->getDirectCallee();
		int index = argument_index(call, inner);
		auto *parameter = index >= 0 && unsigned(index) < taker->getNumParams()
			? taker->getParamDecl(unsigned(index))
			: nullptr;
		// The core's collections keep what they are given: what is lost there leaks, it never dangles.
		ok = parameter &&
			(note(parameter, "svc.consumes") ||
				(trusted(taker->getLocation()) && !parameter->hasAttr<NoEscapeAttr>()));
	}
	if (!ok)
		report(c->getExprLoc(), "owned",
			"the reference that '" + f->getName().str() +
				"' returns must go to an auto-released variable, a field, a consumer or the "
				"return of an owned function");
}

void Rules::abi_only_check(CallExpr *c, const FunctionDecl *f)
{
	for (unsigned i = 0; i < c->getNumArgs() && i < f->getNumParams(); i++) {
		if (!note(f->getParamDecl(i), "svc.abi_only") || trusted(strip(c->getArg(i))->getExprLoc()))
			continue;
		auto *argument = strip(c->getArg(i));
		QualType type = argument->getType();
		type = type->isPointerType() ? type->getPointeeType() : type;
		if (holds_more_than_integers(type)) {
			report(argument->getExprLoc(), "abi",
				"'" + type.getAsString() +
					"' is not made of integers only, so it has no bytes for others");
			continue;
		}
		std::string hole = padding_of(type);
		if (!hole.empty())
			report(argument->getExprLoc(), "abi",
				"'" + type.getAsString() + "' has padding after " + hole + ": name it as a field");
	}
}

bool Rules::is_abi_only_argument(const Expr *cast) const
{
	auto *call = dyn_cast_or_null<CallExpr>(parent_of(cast));
	auto *f = call ? call->getDirectCallee() : nullptr;
	int index = f ? argument_index(call, cast) : -1;
	return index >= 0 && unsigned(index) < f->getNumParams() &&
		note(f->getParamDecl(unsigned(index)), "svc.abi_only") && trusted(f->getLocation());
}

bool Rules::VisitCallExpr(CallExpr *c)
{
	auto *f = c->getDirectCallee();
	if (!f)
		return true;
	builtin_check(c, f);
	format_check(c, f);
	abi_only_check(c, f);
	if (trusted(c->getExprLoc()))
		return true;
	consumed_check(c, f);
	owned_check(c, f);
	bool is_fresh = c->getNumArgs() && auto_released(c->getArg(0)); // this function's own, so far
	if (exclusive_by_parameter.contains(f->getCanonicalDecl()) && !note(function, "svc.exclusive") && !is_fresh)
		report(c->getExprLoc(), "exclusive",
			"'" + f->getName().str() +
				"' relies on exclusive access: only release callbacks and constructors call it");
	return true;
}

} // namespace checker
